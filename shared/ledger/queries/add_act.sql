-- Append an act of an operator of the system to their chain.
select append_operator_act($1, $2, $3, $4, $5, $6, $7)
