-- Note where the chains go on after a month, before it leaves; how many citizens have entries in it. As the owner.
select carry_heads($1::date)
