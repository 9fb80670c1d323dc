/** Request tables of the AIS services: few names and small ranges, so that clients get in each other's way. */
import { SA_AIS_OK } from '@aisexec/ais';
import { ckptService, createCkptService } from '@aisexec/ckpt/service';
import { clmService } from '@aisexec/clm/service';
import { createEvtService, evtService } from '@aisexec/evt/service';
import { lckService } from '@aisexec/lck/service';
import { tmrService } from '@aisexec/tmr/service';
import type { Random } from '../random.ts';
import { type RequestTable, requestWorkload } from './requests.ts';
import type { ServiceWorkload } from './workload.ts';

const NAMES = ['red', 'green', 'blue'];
const NS_PER_MS = 1_000_000n;
const handleOf = (random: Random, handles: readonly bigint[]): bigint => random.pick(handles);
const small = (random: Random): bigint => BigInt(1 + random.below(6));
const bytes = (random: Random, max: number): Uint8Array =>
  new Uint8Array(random.below(max)).fill(random.below(256));
const duration = (random: Random): bigint => BigInt(random.below(3000)) * NS_PER_MS;

const clm: RequestTable = {
  service: clmService,
  kinds: [
    { weight: 3, fn: 'current', argument: (random) => ({ local: random.chance(0.2) }) },
    {
      weight: 2,
      fn: 'track',
      argument: (random) => ({
        mode: random.pick(['changes', 'changes-only']),
        local: random.chance(0.2),
        subscription: random.below(3),
      }),
    },
    { weight: 1, fn: 'trackStop', argument: () => ({}) },
    { weight: 2, fn: 'nodeGet', argument: (random) => ({ nodeId: 1 + random.below(100) }) },
  ],
};

const lck: RequestTable = {
  service: lckService,
  open: (random, handle) => ({
    handle,
    name: random.pick(NAMES),
    create: true,
    notify: random.chance(0.5),
  }),
  kinds: [
    { weight: 1, fn: 'open', argument: () => undefined },
    {
      weight: 6,
      fn: 'lock',
      argument: (random, handles) => ({
        handle: handleOf(random, handles),
        lockId: small(random),
        mode: random.pick([1, 2]),
        flags: random.pick([0, 0, 1, 2]),
        waiterSignal: small(random),
        detect: random.chance(0.5),
      }),
    },
    { weight: 6, fn: 'unlock', argument: (random) => ({ lockId: small(random) }) },
    {
      weight: 1,
      fn: 'close',
      argument: (random, handles) => ({ handle: handleOf(random, handles) }),
    },
    {
      weight: 1,
      fn: 'purge',
      argument: (random, handles) => ({ handle: handleOf(random, handles) }),
    },
  ],
  /** The tokens of exclusive grants through one open rise; those of two resources may be equal. */
  replyFault(memory, argument, reply) {
    const { mode, handle } = argument as { readonly mode?: number; readonly handle?: bigint };
    const token = reply['fencingToken'];
    if (reply.rc !== SA_AIS_OK || mode !== 2 || typeof token !== 'bigint' || token === 0n)
      return undefined;
    const before = memory.get(`token ${handle}`) ?? 0n;
    memory.set(`token ${handle}`, token);
    return token > before ? undefined : `token ${token} after ${before}`;
  },
};

const evt: RequestTable = {
  service: evtService,
  open: (random, handle) => ({
    handle,
    name: random.pick(NAMES),
    create: true,
    publisher: true,
    subscriber: true,
  }),
  kinds: [
    { weight: 1, fn: 'open', argument: () => undefined },
    {
      weight: 8,
      fn: 'publish',
      argument: (random, handles) => ({
        handle: handleOf(random, handles),
        patterns: [bytes(random, 3)],
        priority: random.below(4),
        retention: random.chance(0.3) ? duration(random) : 0n,
        publisher: '',
        data: bytes(random, 300),
      }),
    },
    {
      weight: 2,
      fn: 'subscribe',
      argument: (random, handles) => ({
        handle: handleOf(random, handles),
        id: random.below(4),
        serial: random.below(1000),
        filters: [{ type: 1 + random.below(4), pattern: bytes(random, 2) }],
      }),
    },
    {
      weight: 1,
      fn: 'unsubscribe',
      argument: (random, handles) => ({ handle: handleOf(random, handles), id: random.below(4) }),
    },
    { weight: 1, fn: 'unlink', argument: (random) => ({ name: random.pick(NAMES) }) },
    {
      weight: 1,
      fn: 'close',
      argument: (random, handles) => ({ handle: handleOf(random, handles) }),
    },
  ],
  /** At most once per channel open (AIS B.2 rule 2), but for retained events and new subscriptions. */
  callbackFault(seen, name, payload) {
    if (name !== 'event') return undefined;
    const { handle, id, retention } = payload as Record<'handle' | 'id' | 'retention', bigint>;
    if (retention > 0n) return undefined;
    const key = `${handle} ${id}`;
    if (seen.has(key)) return `event ${id} twice through one open`;
    seen.add(key);
    return undefined;
  },
};

const ckpt: RequestTable = {
  service: ckptService,
  open: (random, handle) => ({
    handle,
    name: random.pick(NAMES),
    openFlags: 7,
    attributes: {
      creationFlags: 1,
      checkpointSize: 4096,
      retentionDuration: duration(random),
      maxSections: 8,
      maxSectionSize: 512,
      maxSectionIdSize: 8,
    },
  }),
  kinds: [
    { weight: 1, fn: 'open', argument: () => undefined },
    {
      weight: 3,
      fn: 'sectionCreate',
      argument: (random, handles) => {
        const data = bytes(random, 200);
        const sectionId = random.chance(0.8) ? random.pick(NAMES) : null;
        const expirationTime = 0x7fff_ffff_ffff_ffffn;
        return {
          handle: handleOf(random, handles),
          sectionId,
          expirationTime,
          data,
          totalBytes: data.length,
        };
      },
    },
    {
      weight: 6,
      fn: 'write',
      argument: (random, handles) => ({
        handle: handleOf(random, handles),
        elements: [
          { sectionId: random.pick(NAMES), offset: random.below(300), data: bytes(random, 200) },
        ],
      }),
    },
    {
      weight: 4,
      fn: 'overwrite',
      argument: (random, handles) => {
        const data = bytes(random, 400);
        return {
          handle: handleOf(random, handles),
          sectionId: random.pick(NAMES),
          data,
          totalBytes: data.length,
        };
      },
    },
    {
      weight: 2,
      fn: 'sectionDelete',
      argument: (random, handles) => ({
        handle: handleOf(random, handles),
        sectionId: random.pick(NAMES),
      }),
    },
    { weight: 1, fn: 'unlink', argument: (random) => ({ name: random.pick(NAMES) }) },
    {
      weight: 1,
      fn: 'close',
      argument: (random, handles) => ({ handle: handleOf(random, handles) }),
    },
  ],
};

const attributes = (random: Random) => ({
  type: 2,
  initialExpirationTime: duration(random),
  timerPeriodDuration: random.pick([0n, 0n, duration(random)]),
});

const tmr: RequestTable = {
  service: tmrService,
  kinds: [
    {
      weight: 4,
      fn: 'start',
      argument: (random) => ({ id: small(random), attributes: attributes(random) }),
    },
    {
      weight: 1,
      fn: 'reschedule',
      argument: (random) => ({ id: small(random), attributes: attributes(random) }),
    },
    { weight: 3, fn: 'cancel', argument: (random) => ({ id: small(random) }) },
    { weight: 1, fn: 'skip', argument: (random) => ({ id: small(random) }) },
    { weight: 1, fn: 'get', argument: (random) => ({ id: small(random) }) },
  ],
};

const ckptInBackground: RequestTable = {
  ...ckpt,
  service: createCkptService({ inlineBytesMax: 0 }),
};

const evtInBackground: RequestTable = {
  ...evt,
  service: createEvtService({ inlineBytesMax: 0 }),
};

export const aisWorkloads = (inBackground: boolean): readonly ServiceWorkload[] => {
  const tables = inBackground ? [evtInBackground, ckptInBackground] : [evt, ckpt];
  return [clm, lck, ...tables, tmr].map(requestWorkload);
};
