-- migrate:up

-- Waits for whoever writes, five seconds at most; run it again if they do not let it.
set local lock_timeout = '5s';

-- What providers report of a delivery beside its end (`status/evidence`, each once), and since when the receipt that
-- its provider accepted it is waited for: null where none is, or one came. No row is rewritten, nor read: the
-- check is of new rows, and 000203 looks at the others.
alter table delivery add column reported text not null default '';
alter table delivery add constraint delivery_reported_check check (length(reported) <= 2000) not valid;
alter table delivery add column awaits_since timestamptz;
grant update (reported, awaits_since) on delivery to notifier;

insert into entry_kind (writer, kind) values
    ('notifier', 'delivery.accepted'), ('notifier', 'delivery.posted'), ('notifier', 'delivery.delayed'),
    ('notifier', 'delivery.unsuitable'), ('issuer', 'contacts.unsuitable');

-- migrate:down

set local lock_timeout = '5s';
delete from entry_kind where kind in
    ('delivery.accepted', 'delivery.posted', 'delivery.delayed', 'delivery.unsuitable', 'contacts.unsuitable');
alter table delivery drop column awaits_since;
alter table delivery drop column reported;
