-- Take what is due and still there; a row that another process is busy with is passed over.
select id, parcel, tries from outbox
where worker = current_user and due_at <= now()
order by due_at limit $1
for update skip locked
