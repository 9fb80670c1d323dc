/**
 * Rows of a client whose node was taken out of the membership and readmitted: a stale handle stays stale (AIS B.0,
 * UNAVAILABLE; LIBRARY in B.01).
 */
import { SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING, SA_TIME_END } from '@aisexec/ais';
import { createSaEvt } from '../client/literal.ts';
import type { SaEvt, SaEvtChannelHandleT, SaEvtEventHandleT } from '../client/literal-types.ts';
import { type Actor, ALL, bytes, passAll, type Row, row, type Stage } from './stage.fixture.ts';

interface Stale {
  readonly sa: SaEvt;
  readonly actor: Actor;
  readonly channel: SaEvtChannelHandleT;
  /** Allocated, and received. */
  readonly event: SaEvtEventHandleT;
  readonly received: SaEvtEventHandleT;
  readonly name: string;
}

type Call = (stale: Stale) => Promise<{ readonly rc: number }>;

async function stale(stage: Stage, majorVersion: number): Promise<Stale> {
  const actor = await stage.near(majorVersion);
  const channel = await actor.open(stage.channel);
  await actor.subscribe(channel);
  await actor.publish(channel, 'x');
  const [delivered] = await actor.deliveries(1);
  const event = await actor.allocate(channel);
  const { selectionObject } = await actor.sa.saEvtSelectionObjectGet(actor.handle);
  await stage.removed(() => selectionObject?.ready());
  const received = delivered?.event as SaEvtEventHandleT;
  return { sa: actor.sa, actor, channel, event, received, name: stage.channel };
}

const CALLS: readonly (readonly [keyof SaEvt, Call])[] = [
  ['saEvtSelectionObjectGet', ({ sa, actor }) => sa.saEvtSelectionObjectGet(actor.handle)],
  ['saEvtDispatch', ({ sa, actor }) => sa.saEvtDispatch(actor.handle, SA_DISPATCH_ALL)],
  [
    'saEvtChannelOpen',
    ({ sa, actor, name }) => sa.saEvtChannelOpen(actor.handle, name, ALL, SA_TIME_END),
  ],
  [
    'saEvtChannelOpenAsync',
    ({ sa, actor, name }) => sa.saEvtChannelOpenAsync(actor.handle, 1n, name, ALL),
  ],
  ['saEvtChannelClose', ({ sa, channel }) => sa.saEvtChannelClose(channel)],
  ['saEvtChannelUnlink', ({ sa, actor, name }) => sa.saEvtChannelUnlink(actor.handle, name)],
  ['saEvtEventAllocate', ({ sa, channel }) => sa.saEvtEventAllocate(channel)],
  ['saEvtEventFree', ({ sa, event }) => sa.saEvtEventFree(event)],
  [
    'saEvtEventAttributesSet',
    ({ sa, event }) => sa.saEvtEventAttributesSet(event, [], 3, 0n, 'me'),
  ],
  ['saEvtEventAttributesGet', ({ sa, event }) => sa.saEvtEventAttributesGet(event)],
  ['saEvtEventPatternFree', ({ sa, event }) => sa.saEvtEventPatternFree(event, [])],
  ['saEvtEventDataGet', ({ sa, received }) => sa.saEvtEventDataGet(received)],
  ['saEvtEventPublish', ({ sa, event }) => sa.saEvtEventPublish(event, bytes('x'))],
  ['saEvtEventSubscribe', ({ sa, channel }) => sa.saEvtEventSubscribe(channel, passAll, 2)],
  ['saEvtEventUnsubscribe', ({ sa, channel }) => sa.saEvtEventUnsubscribe(channel, 1)],
  [
    'saEvtEventRetentionTimeClear',
    ({ sa, channel }) => sa.saEvtEventRetentionTimeClear(channel, 1n << 40n),
  ],
  ['saEvtLimitGet', ({ sa, actor }) => sa.saEvtLimitGet(actor.handle, 1)],
];

/** Of B.03 only: VERSION on a handle of B.01, stale or not. */
const NEWER: ReadonlySet<keyof SaEvt> = new Set(['saEvtEventPatternFree', 'saEvtLimitGet']);

const initialize =
  (majorVersion: number): Row['run'] =>
  (stage) =>
    stage.removed(() => {
      const version = { releaseCode: 'B', majorVersion, minorVersion: 1 };
      return createSaEvt().saEvtInitialize(null, version, stage.connect);
    });

const finalize =
  (major: number): Row['run'] =>
  async (stage) => {
    const { sa, actor } = await stale(stage, major);
    return sa.saEvtFinalize(actor.handle);
  };

export const removalRows: readonly Row[] = [
  row('saEvtInitialize', 'UNAVAILABLE', 'the node is removed, B.03', initialize(3)),
  row('saEvtInitialize', 'LIBRARY', 'the node is removed, B.01', initialize(1)),
  ...CALLS.flatMap(([fn, call]) => [
    row(fn, 'UNAVAILABLE', 'the node was removed, B.03', async (stage) =>
      call(await stale(stage, 3)),
    ),
    row(fn, NEWER.has(fn) ? 'VERSION' : 'LIBRARY', 'the node was removed, B.01', async (stage) =>
      call(await stale(stage, 1)),
    ),
  ]),
  row('saEvtDispatch', 'UNAVAILABLE', 'BLOCKING, and the node is removed', async (stage) => {
    const { sa, handle } = await stage.near();
    const blocking = sa.saEvtDispatch(handle, SA_DISPATCH_BLOCKING);
    return stage.removed(() => blocking);
  }),
  row('saEvtFinalize', 'LIBRARY', 'the node was removed, B.03', finalize(3)),
  row('saEvtFinalize', 'LIBRARY', 'the node was removed, B.01', finalize(1)),
];
