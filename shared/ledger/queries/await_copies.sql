-- Write a record that means nothing: its commit waits for the standby as any does, and so for all that is visible before it.
select pg_logical_emit_message(true, 'pin', '')
