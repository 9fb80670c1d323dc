// What services say to each other and what clients say to services: msgpack behind a schema.
import { ckptService } from '../../../packages/ckpt/dist/service/index.js';
import { clmService } from '../../../packages/clm/dist/service/index.js';
import { evtService } from '../../../packages/evt/dist/service/index.js';
import { BundleReader } from '../../../packages/ipc/dist/bundle.js';
import { decode as decodeFrame } from '../../../packages/ipc/dist/codec.js';
import { FrameDecoder } from '../../../packages/ipc/dist/framing.js';
import { lckService } from '../../../packages/lck/dist/service/index.js';
import { decode } from '../../../packages/service/dist/codec.js';
import { decodeEnvelope } from '../../../packages/service/dist/host/envelope.js';
import * as sync from '../../../packages/service/dist/sync/messages.js';

const SERVICES = [clmService, lckService, evtService, ckptService];

/** One decoder per service: does any of its ordered messages, requests or chunks take this value? */
const shapes = (service) => ({
  name: `service-${service.name}`,
  text: `messages, requests and chunks of ${service.name}`,
  decode(bytes) {
    const decoded = decode(bytes);
    if (!decoded.ok) return false;
    const schemas = [
      ...Object.values(service.exec).map(({ message }) => message),
      ...Object.values(service.lib).map(({ request }) => request),
      service.sync.chunk,
    ];
    return schemas.filter((schema) => schema.check(decoded.value)).length > 0;
  },
});

export const serviceDecoders = [
  {
    name: 'envelope',
    text: 'what carries an ordered message',
    decode: (bytes) => decodeEnvelope(bytes) !== undefined,
  },
  {
    name: 'sync',
    text: 'hello, chunks and end of a synchronisation',
    decode(bytes) {
      const header = sync.decodeHeader(bytes);
      if (header === undefined) return false;
      if (header.kind === 'hello') return sync.decodeHello(bytes, 1) !== undefined;
      if (header.kind === 'end') return sync.decodeEnd(bytes) || true;
      return (sync.splitChunks(bytes) ?? []).map(decode).length > 0;
    },
  },
  ...SERVICES.map(shapes),
  {
    name: 'ipc-bundle',
    text: 'many requests, replies and callbacks in one frame',
    decode(bytes) {
      const taken = () => true;
      const handler = { request: taken, reply: taken, done: taken, callback: taken };
      return new BundleReader(handler).read(bytes) === undefined;
    },
  },
  {
    name: 'ipc-frames',
    text: 'the stream of a client, in pieces, with the bodies in it',
    decode(bytes) {
      let frames = 0;
      const decoder = new FrameDecoder((body) => {
        frames += decodeFrame(body) === undefined ? 0 : 1;
        return true;
      });
      const cut = bytes.length >> 1;
      decoder.push(bytes.subarray(0, cut));
      decoder.push(bytes.subarray(cut));
      return frames > 0;
    },
  },
];
