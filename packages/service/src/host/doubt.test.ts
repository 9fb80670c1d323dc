import { SA_AIS_ERR_TIMEOUT, SA_AIS_OK } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import type { Reply, Undo } from '../contract.ts';
import { type Client, ClientTable } from './clients.ts';
import { Doubt } from './doubt.ts';
import { Emitter } from './emitter.ts';
import type { Replica } from './replica.ts';

const DONE: Reply = { rc: SA_AIS_OK };
const UNKNOWN: Reply = { rc: SA_AIS_ERR_TIMEOUT };
const UNDO: Undo = { exec: 'unlock', message: null };
const PROMISE = { confirmed: DONE, doubtful: UNKNOWN, undo: UNDO };

function setUp() {
  const emitter = new Emitter();
  const clients = new ClientTable(1, 1, emitter);
  const undone: Undo[] = [];
  const doubt = new Doubt(clients, (_client, undo) => undone.push(undo));
  const flush = () => emitter.event(() => {});
  /** A client and what it was told: `1 promise`, `1 doubt`, the name of a callback. */
  const connect = () => {
    const told: string[] = [];
    const sink: Client['sink'] = {
      reply: (request, { rc }) => told.push(`${request} ${rc === SA_AIS_OK ? 'promise' : 'doubt'}`),
      callback: (name) => told.push(name),
      closed: () => {},
    };
    const client = clients.add({} as Replica, { uid: 0, role: 'operator', sink });
    for (const request of [1, 2, 3]) client.outstanding.add(request);
    return { client, told };
  };
  return { doubt, clients, undone, connect, flush };
}

test('in a regular configuration a promise leaves at once', () => {
  const { doubt, connect, flush } = setUp();
  const { client, told } = connect();
  doubt.configuration('regular');
  doubt.promise(client, 1, PROMISE);
  flush();
  expect(told).toEqual(['1 promise']);
});

describe('what was ordered after a transitional configuration', () => {
  test.each([
    ['the promise, when the next view confirms this history', true, ['1 promise'], []],
    ['the doubt, and taken back, when it does not', false, ['1 doubt'], [UNDO]],
  ])('is answered with %s', (_what, isConfirmed, answers, takenBack) => {
    const { doubt, connect, undone, flush } = setUp();
    const { client, told } = connect();
    doubt.configuration('transitional');
    doubt.promise(client, 1, PROMISE);
    flush();
    expect(told).toEqual([]);
    doubt.configuration('regular');
    doubt.end(isConfirmed);
    flush();
    expect(told).toEqual(answers);
    expect(undone).toEqual(takenBack);
  });

  test('is not confirmed by a view that came about in a transitional configuration, too', () => {
    const { doubt, connect, flush } = setUp();
    const { client, told } = connect();
    doubt.configuration('transitional');
    doubt.promise(client, 1, PROMISE);
    doubt.configuration('regular');
    doubt.configuration('transitional');
    doubt.end(true);
    doubt.promise(client, 2, PROMISE);
    flush();
    expect(told).toEqual([]);
    doubt.configuration('regular');
    doubt.end(true);
    flush();
    expect(told).toEqual(['1 promise', '2 promise']);
  });

  test('is denied by such a view at once, and what comes after it waits for the next', () => {
    const { doubt, connect, flush } = setUp();
    const { client, told } = connect();
    doubt.configuration('transitional');
    doubt.promise(client, 1, PROMISE);
    doubt.end(false);
    doubt.promise(client, 2, PROMISE);
    flush();
    expect(told).toEqual(['1 doubt']);
    doubt.configuration('regular');
    doubt.end(true);
    flush();
    expect(told).toEqual(['1 doubt', '2 promise']);
  });
});

test('what a client is told behind a promise waits with it, what others are told does not', () => {
  const { doubt, connect, flush } = setUp();
  const [mine, other] = [connect(), connect()];
  doubt.configuration('transitional');
  doubt.callback(mine.client, 'before', null);
  doubt.promise(mine.client, 1, PROMISE);
  doubt.callback(mine.client, 'lost', null);
  doubt.reply(mine.client, 2, DONE);
  doubt.callback(other.client, 'lost', null);
  doubt.reply(other.client, 2, DONE);
  flush();
  expect(mine.told).toEqual(['before']);
  expect(other.told).toEqual(['lost', '2 promise']);
  doubt.configuration('regular');
  doubt.end(true);
  doubt.reply(mine.client, 3, DONE);
  flush();
  expect(mine.told).toEqual(['before', '1 promise', 'lost', '2 promise', '3 promise']);
});

test('for a client that is gone nothing is taken back: all of it is', () => {
  const { doubt, clients, connect, undone, flush } = setUp();
  const { client, told } = connect();
  doubt.configuration('transitional');
  doubt.promise(client, 1, PROMISE);
  clients.remove(client);
  doubt.end(false);
  flush();
  expect(told).toEqual([]);
  expect(undone).toEqual([]);
});
