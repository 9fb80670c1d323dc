/** Rows of channels: open, close, unlink (AIS B.2 rules 6 and 7). */
import assert from 'node:assert/strict';
import { SA_TIME_END } from '@aisexec/ais';
import { ok } from '../../../../test/fixtures/ais-table.ts';
import { createSaEvt } from '../client/literal.ts';
import type { SaEvtChannelHandleT, SaEvtHandleT } from '../client/literal-types.ts';
import { CHANNEL_OPENS_PER_CLIENT_MAX, CHANNELS_MAX } from '../limits.ts';
import { ALL, CREATE, inTurns, PUBLISHER, type Row, row, SUBSCRIBER } from './stage.fixture.ts';

const NO_HANDLE = 0n as SaEvtHandleT;
const UNKNOWN = 5n as SaEvtHandleT;
const LONG = 'x'.repeat(257);

interface OpenCase {
  readonly name?: string | null;
  readonly flags?: number;
  readonly timeout?: bigint;
}

const open =
  ({ name, flags = ALL, timeout = SA_TIME_END }: OpenCase): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.near();
    const given = name === undefined ? stage.channel : name;
    return sa.saEvtChannelOpen(handle, given, flags, timeout);
  };

/** The answer at once; what the callback says is looked at when there is one. */
const openAsync =
  ({ name, flags = ALL }: OpenCase): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.near();
    return sa.saEvtChannelOpenAsync(handle, 7n, name === undefined ? stage.channel : name, flags);
  };

const unlink =
  (name: string | null): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.near();
    return sa.saEvtChannelUnlink(handle, name);
  };

const openRows: readonly Row[] = [
  row('saEvtChannelOpen', 'OK', 'CREATE and no such channel', open({})),
  row('saEvtChannelOpen', 'OK', 'without CREATE, made on another node', async (stage) => {
    await (await stage.far()).open(stage.channel);
    return open({ flags: SUBSCRIBER })(stage);
  }),
  row('saEvtChannelOpen', 'OK', 'CREATE and it exists: the same channel', async (stage) => {
    const { near, far, there } = await stage.pair();
    const { sa, handle } = near;
    const answer = await sa.saEvtChannelOpen(handle, stage.channel, ALL, SA_TIME_END);
    await near.subscribe(answer.channelHandle as SaEvtChannelHandleT);
    await far.publish(there, 'x');
    assert.deepEqual(await near.data(1), ['x']);
    return answer;
  }),
  row('saEvtChannelOpen', 'OK', 'a name of 256 bytes', async (stage) => {
    const { sa, handle } = await stage.near();
    const name = stage.channel.padEnd(256, 'x');
    const answer = await sa.saEvtChannelOpen(handle, name, ALL, SA_TIME_END);
    ok(await sa.saEvtChannelUnlink(handle, name));
    return answer;
  }),
  row('saEvtChannelOpen', 'INVALID_PARAM', 'the name is null', open({ name: null })),
  row('saEvtChannelOpen', 'INVALID_PARAM', 'the name is empty', open({ name: '' })),
  row('saEvtChannelOpen', 'INVALID_PARAM', 'the name has 257 bytes', open({ name: LONG })),
  row('saEvtChannelOpen', 'INVALID_PARAM', 'handle and name are null', () =>
    createSaEvt().saEvtChannelOpen(NO_HANDLE, null, ALL, SA_TIME_END),
  ),
  row('saEvtChannelOpen', 'BAD_FLAGS', 'no flags', open({ flags: 0 })),
  row('saEvtChannelOpen', 'BAD_FLAGS', 'unknown flags', open({ flags: ALL | 8 })),
  row('saEvtChannelOpen', 'NOT_EXIST', 'absent and no CREATE', open({ flags: PUBLISHER })),
  row('saEvtChannelOpen', 'NOT_EXIST', 'unlinked and no CREATE', async (stage) => {
    const { far } = await stage.pair();
    ok(await far.sa.saEvtChannelUnlink(far.handle, stage.channel));
    return open({ flags: PUBLISHER })(stage);
  }),
  row('saEvtChannelOpen', 'TIMEOUT', 'the time-out is 0', open({ timeout: 0n })),
  row('saEvtChannelOpen', 'TIMEOUT', 'the time-out is negative', open({ timeout: -1n })),
  row('saEvtChannelOpen', 'BAD_HANDLE', 'the handle never was', (stage) =>
    createSaEvt().saEvtChannelOpen(UNKNOWN, stage.channel, ALL, SA_TIME_END),
  ),
  row('saEvtChannelOpen', 'BAD_HANDLE', 'the handle is finalised', async (stage) => {
    const near = await stage.near();
    await near.finalize();
    return near.sa.saEvtChannelOpen(near.handle, stage.channel, ALL, SA_TIME_END);
  }),
  row('saEvtChannelOpen', 'NO_RESOURCES', 'CHANNELS_MAX channels exist', async (stage) => {
    const [near, far] = [await stage.near(), await stage.far()];
    const { sa, handle } = near;
    const name = (index: number) => `${stage.channel}.${index}`;
    await inTurns(CHANNELS_MAX, (index) =>
      sa.saEvtChannelOpen(handle, name(index), CREATE, SA_TIME_END),
    );
    const answer = await far.sa.saEvtChannelOpen(far.handle, stage.channel, ALL, SA_TIME_END);
    await inTurns(CHANNELS_MAX, (index) => sa.saEvtChannelUnlink(handle, name(index)));
    return answer;
  }),
  row(
    'saEvtChannelOpen',
    'NO_RESOURCES',
    'the client has CHANNEL_OPENS_PER_CLIENT_MAX open',
    async (stage) => {
      const near = await stage.near();
      await inTurns(CHANNEL_OPENS_PER_CLIENT_MAX, () => near.open(stage.channel));
      return near.sa.saEvtChannelOpen(near.handle, stage.channel, ALL, SA_TIME_END);
    },
  ),
  row('saEvtChannelOpenAsync', 'OK', 'the callback has OK and a handle', async (stage) => {
    const near = await stage.near();
    const answer = await near.sa.saEvtChannelOpenAsync(near.handle, 0n, stage.channel, ALL);
    assert.deepEqual(near.opened, []);
    const [invocation, channel, error] = await near.answer();
    assert.deepEqual([invocation, error], [0n, 1]);
    ok(await near.sa.saEvtChannelClose(channel as SaEvtChannelHandleT));
    return answer;
  }),
  row(
    'saEvtChannelOpenAsync',
    'OK',
    'absent, no CREATE: NOT_EXIST in the callback',
    async (stage) => {
      const near = await stage.near();
      const answer = await near.sa.saEvtChannelOpenAsync(near.handle, 7n, stage.channel, PUBLISHER);
      assert.deepEqual(await near.answer(), [7n, 0n, 12]);
      return answer;
    },
  ),
  row('saEvtChannelOpenAsync', 'INIT', 'no callback was given', async (stage) => {
    const { sa, handle } = await stage.near(3, null);
    return sa.saEvtChannelOpenAsync(handle, 1n, stage.channel, ALL);
  }),
  row('saEvtChannelOpenAsync', 'INVALID_PARAM', 'the name is null', openAsync({ name: null })),
  row('saEvtChannelOpenAsync', 'INVALID_PARAM', 'the name is empty', openAsync({ name: '' })),
  row('saEvtChannelOpenAsync', 'INVALID_PARAM', 'the name is long', openAsync({ name: LONG })),
  row('saEvtChannelOpenAsync', 'BAD_FLAGS', 'no flags', openAsync({ flags: 0 })),
  row('saEvtChannelOpenAsync', 'BAD_FLAGS', 'unknown flags', openAsync({ flags: 8 })),
  row('saEvtChannelOpenAsync', 'BAD_HANDLE', 'the handle never was', (stage) =>
    createSaEvt().saEvtChannelOpenAsync(UNKNOWN, 1n, stage.channel, ALL),
  ),
];

const endRows: readonly Row[] = [
  row('saEvtChannelClose', 'OK', 'subscriptions and events end', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    const other = await near.open(stage.channel);
    const event = await near.allocate(here);
    await near.subscribe(here, 1);
    await near.subscribe(other, 2);
    const answer = await near.sa.saEvtChannelClose(here);
    await far.publish(there, 'after');
    const [delivered] = await near.deliveries(1);
    assert.equal(delivered?.subscriptionId, 2);
    assert.equal((await near.sa.saEvtEventFree(event)).rc, 9);
    return answer;
  }),
  row('saEvtChannelClose', 'OK', 'the channel outlives its last close', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    ok(await near.sa.saEvtChannelClose(here));
    const answer = await far.sa.saEvtChannelClose(there);
    await near.open(stage.channel, SUBSCRIBER);
    return answer;
  }),
  row('saEvtChannelClose', 'BAD_HANDLE', 'closed already', async (stage) => {
    const { near, here } = await stage.pair();
    ok(await near.sa.saEvtChannelClose(here));
    return near.sa.saEvtChannelClose(here);
  }),
  row('saEvtChannelClose', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtChannelClose(5n as SaEvtChannelHandleT),
  ),
  row('saEvtChannelUnlink', 'OK', 'who has it open keeps it', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    await near.subscribe(here);
    const answer = await near.sa.saEvtChannelUnlink(near.handle, stage.channel);
    await far.publish(there, 'old');
    assert.deepEqual(await near.data(1), ['old']);
    return answer;
  }),
  row(
    'saEvtChannelUnlink',
    'OK',
    'a new channel of the name never mixes with it',
    async (stage) => {
      const { near, far, here, there } = await stage.pair();
      await near.subscribe(here, 1);
      const answer = await near.sa.saEvtChannelUnlink(near.handle, stage.channel);
      const fresh = await near.open(stage.channel);
      await near.subscribe(fresh, 2);
      await far.publish(there, 'old');
      await far.publish(await far.open(stage.channel, PUBLISHER), 'new');
      const events = await near.deliveries(2);
      assert.deepEqual(
        events.map(({ subscriptionId, data }) => [subscriptionId, data]),
        [
          [1, 'old'],
          [2, 'new'],
        ],
      );
      return answer;
    },
  ),
  row('saEvtChannelUnlink', 'INVALID_PARAM', 'the name is null', unlink(null)),
  row('saEvtChannelUnlink', 'INVALID_PARAM', 'the name is empty', unlink('')),
  row('saEvtChannelUnlink', 'INVALID_PARAM', 'the name has 257 bytes', unlink(LONG)),
  row('saEvtChannelUnlink', 'INVALID_PARAM', 'handle and name are null', () =>
    createSaEvt().saEvtChannelUnlink(NO_HANDLE, null),
  ),
  row('saEvtChannelUnlink', 'NOT_EXIST', 'no such channel', unlink('no such channel')),
  row('saEvtChannelUnlink', 'NOT_EXIST', 'unlinked already', async (stage) => {
    const { near, far } = await stage.pair();
    ok(await far.sa.saEvtChannelUnlink(far.handle, stage.channel));
    return near.sa.saEvtChannelUnlink(near.handle, stage.channel);
  }),
  row('saEvtChannelUnlink', 'TRY_AGAIN', 'too many requests are under way', async (stage) => {
    const { sa, handle } = await stage.near();
    const answers = await Promise.all(
      Array.from({ length: 4_200 }, () => sa.saEvtChannelUnlink(handle, stage.channel)),
    );
    return answers.find(({ rc }) => rc !== 12) ?? { rc: 12 };
  }),
  row('saEvtChannelUnlink', 'BAD_HANDLE', 'the handle never was', (stage) =>
    createSaEvt().saEvtChannelUnlink(UNKNOWN, stage.channel),
  ),
];

export const channelRows: readonly Row[] = [...openRows, ...endRows];
