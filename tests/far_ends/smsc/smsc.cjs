// An SMSC of npm's `smpp`. By HTTP it is told how to behave (PUT), and tells what happened (GET /<event>).
'use strict';
const fs = require('fs');
const http = require('http');
const smpp = require('smpp');

const [cert, key] = process.argv.slice(2);
// What each next submit_sm meets, for as often as asked; see tests/far_ends/smsc.py.
let rules = [];
// What every submit_sm meets, by number or for all (''), once the rules are used up.
let faults = {};
let mode = { receipts: null, ids: 'text', links: true, late: 0, unanswered: 0 };
let count = 0;
let bound = [];
const events = [];
const tell = (event) => events.push(event);

// What is not acknowledged is sent again after the next bind.
const kept = new Map();
function deliver(one) {
  const [name, text, tlvs, esm_class] = one;
  kept.set(one, true);
  if (!bound.length) return;
  const session = bound[bound.length - 1];
  session.deliver_sm({ esm_class, data_coding: 3, source_addr: '393330000000', short_message: text, ...tlvs },
    (answer) => { kept.delete(one); tell({ event: 'acknowledged', name, status: answer.command_status }); });
}

function submit(session, pdu) {
  count += 1;
  const number = 0xabc000 + count;
  const id = mode.ids === 'text' ? `m-${number}` : mode.ids === 'hex' ? number.toString(16) : String(number);
  const body = pdu.message_payload || pdu.short_message;
  const to = pdu.destination_addr;
  const told = { event: 'submit', id, number, to, text: body.message, coding: pdu.data_coding,
    source: pdu.source_addr, source_ton: pdu.source_addr_ton, source_npi: pdu.source_addr_npi,
    to_ton: pdu.dest_addr_ton, to_npi: pdu.dest_addr_npi, receipt: pdu.registered_delivery,
    payload: Boolean(pdu.message_payload), reference: pdu[0x1400] ? pdu[0x1400].toString() : null,
    unanswered: (mode.unanswered += 1) };
  const rule = rules.find((one) => one.times > 0 && (!one.only || to.includes(one.only)));
  if (rule) rule.times -= 1;
  const fault = rule || faults[to] || faults[''];
  tell(told);
  const answer = (status) => {
    mode.unanswered -= 1;
    session.send(pdu.response(status ? { command_status: status } : { message_id: id }));
    tell({ event: 'answered', id });
    if (!status && mode.receipts) {
      for (const [text, tlvs] of mode.receipts) {
        deliver([id, text.replaceAll('{id}', id).replaceAll('{number}', number), tlvs, 4]);
      }
    }
  };
  if (!fault) return void answer(0);
  if (fault.what === 'silence') return;
  if (fault.what === 'drop') return void setTimeout(() => session.destroy(), fault.after || 0);
  if (fault.what === 'garbage') return void session.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  setTimeout(() => answer(fault.status || 0), fault.after || 0);
}

const handlers = {
  rule: (said) => rules.push({ times: 1, ...said.rule }),
  faults: (said) => Object.assign(faults, said.faults),
  mode: (said) => Object.assign(mode, said.mode),
  // A burst: every receipt is sent at once, whatever is still unacknowledged.
  deliver: (said) => said.receipts.forEach(deliver),
  unbind: () => bound.forEach((session) => session.unbind(() => session.close())),
  enquire: () => bound.forEach((session) => session.enquire_link((answer) =>
    tell({ event: 'enquired', status: answer.command_status }))),
};

const options = cert ? { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } : {};
const server = smpp.createServer(options, (session) => {
  session.on('error', () => session.destroy());
  session.on('close', () => { bound = bound.filter((one) => one !== session); tell({ event: 'closed' }); });
  session.on('bind_transceiver', (pdu) => {
    const good = pdu.system_id === 'pin' && pdu.password === 's3cret';
    session.send(pdu.response(good ? { system_id: 'SMSC' } : { command_status: smpp.ESME_RINVPASWD }));
    tell({ event: good ? 'bound' : 'refused', version: pdu.interface_version, type: pdu.system_type });
    if (!good) return;
    bound.push(session);
    [...kept.keys()].forEach(deliver);
  });
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => {
    tell({ event: 'enquiry' });
    if (mode.links) session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    tell({ event: 'unbind' });
    session.send(pdu.response());
    session.close();
  });
});
const control = http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify(events.filter((one) => `/${one.event}` === request.url)));
    return;
  }
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => { const said = JSON.parse(body); handlers[said.do](said); response.end(); });
});
server.listen(0, '127.0.0.1', () => control.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${server.address().port} ${control.address().port}\n`)));
process.stdin.resume().on('close', () => process.exit(0));
