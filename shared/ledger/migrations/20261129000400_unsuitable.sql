-- migrate:up

-- A contact that cannot receive by its channel: a number that is a land line, a PEC address of ordinary mail.
insert into entry_kind (writer, kind) values ('issuer', 'contacts.unsuitable') on conflict do nothing;

-- migrate:down

delete from entry_kind where kind = 'contacts.unsuitable';
