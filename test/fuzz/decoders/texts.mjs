// Files: configurations and the ring sequence; and the kernel's addresses.

import { parseCorosyncSource } from '../../../packages/executive/dist/config/corosync.js';
import { parseConfig } from '../../../packages/executive/dist/config/load.js';
import { decodeRingSequence } from '../../../packages/executive/dist/drivers/stable-store.js';
import {
  decodeSockaddr,
  SOCKADDR_BYTES,
} from '../../../packages/executive/dist/drivers/udp/sockaddr.js';
import { parseScenario, ScenarioError } from '../../../packages/simulator/dist/scenarios/parse.js';

const HOST = {
  env: {},
  hostname: 'fuzz',
  uid: 1000,
  home: '/home/fuzz',
  addresses: ['127.0.0.1', '::1', '10.0.0.1'],
};
const NODE = 7;

function isScenario(source) {
  try {
    parseScenario(source);
    return true;
  } catch (error) {
    if (error instanceof ScenarioError) return false;
    throw error;
  }
}

const text = (bytes) => Buffer.from(bytes).toString('utf8');

export const textDecoders = [
  {
    name: 'config-yaml',
    text: 'aisexec.yaml',
    isText: true,
    decode: (bytes) => parseConfig(text(bytes), 'aisexec.yaml', HOST).config !== undefined,
  },
  {
    name: 'corosync-conf',
    text: "Corosync's own configuration",
    isText: true,
    // Names are not looked up: that is the host's business, and slow.
    decode: (bytes) => parseCorosyncSource(text(bytes), () => undefined).problems.length === 0,
  },
  {
    name: 'scenario',
    text: 'a scenario of the simulator; what does not fit is refused with ScenarioError',
    isText: true,
    decode: (bytes) => isScenario(text(bytes)),
  },
  {
    name: 'stable-store',
    text: 'the ring sequence file',
    decode: (bytes) => typeof decodeRingSequence(bytes, NODE) === 'number',
  },
  {
    name: 'sockaddr',
    text: "the kernel's socket address",
    decode(bytes) {
      const address = Buffer.alloc(SOCKADDR_BYTES);
      address.set(bytes.subarray(0, SOCKADDR_BYTES));
      return decodeSockaddr(address, 0) !== undefined;
    },
  },
];
