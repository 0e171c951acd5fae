-- Take what is due and still there; a row that another process is busy with is passed over.
-- (The name of a role has a collation of its own: as a text it has that of the index.)
select id, parcel, tries from outbox
where worker = current_user::text collate "default" and due_at <= now()
order by due_at limit $1
for update skip locked
