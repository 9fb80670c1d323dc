// Makes the samples of the corpus anew: a simulated cluster with all services is recorded, its datagrams are taken
// apart, and what no simulation sends (Corosync's messages, files) is written with our own encoders. Files named
// `found-*` are kept: they are inputs that once broke a rule.
//
//   npm run build && node test/fuzz/record.mjs
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import * as cpg from '../../packages/cpg/dist/service/wire.js';
import { encodeSockaddr } from '../../packages/executive/dist/drivers/udp/sockaddr.js';
import { BundleWriter, contentOf } from '../../packages/ipc/dist/bundle.js';
import { encode as encodeFrame } from '../../packages/ipc/dist/codec.js';
import { encode } from '../../packages/service/dist/codec.js';
import { encodeNodeInfo } from '../../packages/service/dist/corosync/votequorum.js';
import { decodeEnvelope } from '../../packages/service/dist/host/envelope.js';
import { splitChunks } from '../../packages/service/dist/sync/messages.js';
import { SyncEncoder } from '../../packages/service/dist/sync/wire.js';
import { realFactoryOf, runSimulation } from '../../packages/simulator/dist/index.js';
import { groupHeaderLength } from '../../packages/totem/dist/pg/group-header.js';
import {
  createPacketHead,
  decodePacket,
  pieceLength,
} from '../../packages/totem/dist/pg/packet.js';

const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url));
const SAMPLES_MAX = 12;
const SAMPLE_BYTES_MAX = 700;
const TYPES = ['orf-token', 'mcast', 'merge-detect', 'join', 'commit-token', 'hold-cancel'];
const samples = new Map();

/** Samples differ in their length, which is the cheapest sign of another shape. */
function add(name, bytes) {
  if (bytes === undefined || bytes.length > SAMPLE_BYTES_MAX) return;
  const list = samples.get(name) ?? new Map();
  samples.set(name, list);
  if (list.size < SAMPLES_MAX && !list.has(bytes.length))
    list.set(bytes.length, Uint8Array.from(bytes));
}

const head = createPacketHead();
function tap(packet) {
  const type = TYPES[packet[3]];
  add(type, packet);
  if (type !== 'mcast' || packet[4] !== 2) return;
  const payload = packet.subarray(45);
  add('pg-packet', payload);
  add('pg-assembly', payload);
  if (decodePacket(payload, head) !== undefined || head.continuation !== 0) return;
  let at = head.dataStart;
  for (let i = 0; i < head.count; i++) {
    const message = payload.subarray(at, at + pieceLength(payload, i));
    at += message.length;
    if (i < head.count - 1 || head.fragmented === 0) tapMessage(message);
  }
}

/** An environment that looks at what leaves. */
function tapped(environment) {
  const unicast = (target, packet) => {
    tap(packet);
    environment.unicast(target, packet);
  };
  const multicast = (packet) => {
    tap(packet);
    environment.multicast(packet);
  };
  return Object.create(environment, {
    unicast: { value: unicast },
    multicast: { value: multicast },
  });
}

function tapMessage(message) {
  const length = groupHeaderLength(message);
  if (length === 0) return;
  add('pg-groups', message);
  const group = Buffer.from(message.subarray(4, length)).toString();
  const body = message.subarray(length + 4);
  const envelope = decodeEnvelope(body);
  if (envelope !== undefined) {
    add('envelope', body);
    const service = NAMES.get(envelope.service);
    if (envelope.kind === 'exec' && service !== undefined)
      add(`service-${service}`, encode(envelope.payload));
  } else if (group !== 'sim') {
    add('sync', body);
    const service = NAMES.get(body[2]);
    if (body[1] === 1 && service !== undefined)
      for (const chunk of splitChunks(body) ?? []) add(`service-${service}`, chunk);
  }
}

const { clmService } = await import('../../packages/clm/dist/service/index.js');
const { lckService } = await import('../../packages/lck/dist/service/index.js');
const { evtService } = await import('../../packages/evt/dist/service/index.js');
const { ckptService } = await import('../../packages/ckpt/dist/service/index.js');
const NAMES = new Map(
  [clmService, lckService, evtService, ckptService].map(({ id, name }) => [id, name]),
);

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  runSimulation(
    { seed, seconds: 5, faults: true, stack: 'full', draws: 1 },
    (scenario, options) => {
      const factory = realFactoryOf(scenario, options);
      return (environment) => factory(tapped(environment));
    },
  );
}

const ringId = { rep: 1, seq: 40 };
const sync = new SyncEncoder();
sync.begin(ringId);
add('corosync-sync', sync.build([1, 2, 5]));
sync.agreed(3);
add('corosync-sync', sync.barrier());
const change = { group: 'demo', pid: 4711, reason: 1 };
for (const bytes of [
  cpg.encodeProcJoin(change),
  cpg.encodeJoinlist([change, { group: 'other', pid: 1 }]),
  cpg.encodeJoinlist([]),
  cpg.encodeMcast(2, { group: 'demo', pid: 4711, bytes: Uint8Array.of(1, 2, 3, 4, 5) }),
]) {
  add('cpg', bytes);
  add('corosync-exec', bytes);
}
const nodeInfo = encodeNodeInfo(2, { votes: 1, expected: 3, flags: 1 });
add('votequorum', nodeInfo);
add('corosync-exec', nodeInfo);
add('cfg', Uint8Array.from([...new Uint8Array(16), 2, 0, 0, 0]));
add('sockaddr', encodeSockaddr({ address: '10.0.0.1', port: 5405 }));
add('sockaddr', encodeSockaddr({ address: 'fe80:0:0:0:0:0:0:1', port: 5405 }));
const frames = [
  { t: 'hello', v: 1, service: 'lck' },
  { t: 'request', id: 1, fn: 'open', arg: { name: 'a', flags: 1, bytes: Uint8Array.of(1, 2) } },
  { t: 'hold', on: true },
  { t: 'goodbye' },
].map((frame) => Buffer.from(encodeFrame(frame)));
const framed = frames.map((body) =>
  Buffer.concat([Buffer.from(Uint32Array.of(body.length).buffer), body]),
);
add('ipc-frames', Buffer.concat(framed));
for (const frame of framed) add('ipc-frames', frame);
const bundle = new BundleWriter((body) => add('ipc-bundle', body));
bundle.request('publish', contentOf({ name: 'a', bytes: Uint8Array.of(1, 2) }));
bundle.request('multicast', contentOf(Uint8Array.of(3, 4, 5)));
bundle.flush();
bundle.reply(7, contentOf({ rc: 1, argument: 'x' }).bytes);
bundle.callback('event', contentOf({ id: 9n }), 2);
bundle.callback('message', contentOf(Uint8Array.of(6)), 0);
for (const id of [8, 9, 11]) bundle.done(id);
bundle.flush();
const store = Buffer.alloc(24);
store.writeUInt32LE(0x31534941, 0);
store.writeUInt32LE(7, 4);
store.writeUInt32LE(1, 8);
store.writeBigUInt64LE(44n, 12);
store.writeUInt32LE(crc32(store.subarray(0, 20)), 20);
add('stable-store', store);

for (const [name, list] of samples) {
  mkdirSync(CORPUS + name, { recursive: true });
  for (const file of readdirSync(CORPUS + name)) {
    if (file.startsWith('sample-') && file.endsWith('.hex')) rmSync(`${CORPUS}${name}/${file}`);
  }
  [...list.values()].forEach((bytes, i) => {
    const hex = Buffer.from(bytes)
      .toString('hex')
      .replace(/(.{96})/g, '$1\n');
    writeFileSync(`${CORPUS}${name}/sample-${String(i + 1).padStart(2, '0')}.hex`, `${hex}\n`);
  });
  console.log(`${name}: ${list.size} samples`);
}
