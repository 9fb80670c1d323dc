import { SA_AIS_ERR_TIMEOUT, SA_AIS_OK } from '@aisexec/ais';
import { expect, test } from '@jest/globals';
import type { Reply } from '../contract.ts';
import { type Client, ClientTable } from './clients.ts';
import { Doubt } from './doubt.ts';
import { Emitter } from './emitter.ts';
import type { Replica } from './replica.ts';

const DONE: Reply = { rc: SA_AIS_OK };
const UNKNOWN: Reply = { rc: SA_AIS_ERR_TIMEOUT };

function setUp() {
  const emitter = new Emitter();
  const clients = new ClientTable(1, 1, emitter);
  const replies: Reply[] = [];
  const sink: Client['sink'] = {
    reply: (_request, reply) => replies.push(reply),
    callback: () => {},
    closed: () => {},
  };
  const client: Client = clients.add({} as Replica, { uid: 0, role: 'operator', sink });
  client.outstanding.add(1);
  const doubt = new Doubt(clients);
  const flush = () => emitter.event(() => {});
  return { doubt, client, replies, flush };
}

test('in a regular configuration a reply leaves at once', () => {
  const { doubt, client, replies, flush } = setUp();
  doubt.reply(client, 1, DONE, UNKNOWN);
  flush();
  expect(replies).toEqual([DONE]);
});

test.each([
  ['the promise, when the next view confirms this history', true, DONE],
  ['the doubt, when it does not', false, UNKNOWN],
])(
  'what was ordered after a transitional configuration is answered with %s',
  (_what, isConfirmed, reply) => {
    const { doubt, client, replies, flush } = setUp();
    doubt.begin();
    doubt.reply(client, 1, DONE, UNKNOWN);
    flush();
    expect(replies).toEqual([]);
    doubt.end(isConfirmed);
    flush();
    expect(replies).toEqual([reply]);
  },
);
