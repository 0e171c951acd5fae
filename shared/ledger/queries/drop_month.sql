-- Take a closed month out of the ledger. As the owner.
select drop_month($1::date)
