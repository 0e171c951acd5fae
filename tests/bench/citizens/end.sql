drop table citizen;
reset session_replication_role;
select recount();  -- for the triggers were off
