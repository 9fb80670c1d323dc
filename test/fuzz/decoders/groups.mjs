// Process groups and Corosync's own messages: what arrives in the total order.

import * as cpg from '../../../packages/cpg/dist/service/wire.js';
import { createCfgService } from '../../../packages/service/dist/corosync/cfg.js';
import { decodeExecHeader } from '../../../packages/service/dist/corosync/exec-message.js';
import { decodeNodeInfo } from '../../../packages/service/dist/corosync/votequorum.js';
import { decodeSync } from '../../../packages/service/dist/sync/wire.js';
import { createProcessGroups } from '../../../packages/totem/dist/index.js';
import {
  encodeGroupHeader,
  groupHeaderLength,
  namesGroup,
} from '../../../packages/totem/dist/pg/group-header.js';
import { createPacketHead, decodePacket } from '../../../packages/totem/dist/pg/packet.js';

const head = createPacketHead();
const groupA = encodeGroupHeader('a');
const ringId = { rep: 1, seq: 4 };
const cfg = createCfgService({ nodeId: 1 }, () => {});

/** A live assembly of fragments, so that growth would show. */
function createLiveGroups() {
  const groups = createProcessGroups({ nodeId: 1, payloadBytesMax: 1382 });
  groups.attach({
    nodeId: 1,
    submit: () => false,
    room: () => 0,
    withdraw() {},
    syncComplete() {},
    stats: () => ({}),
  });
  for (const name of ['ais', 'a', 'sync']) {
    groups.messaging.join(name, { deliver() {}, configuration() {} });
  }
  groups.client.configuration({
    type: 'regular',
    ringId,
    members: [1, 2, 3],
    joined: [1, 2, 3],
    left: [],
  });
  return groups;
}
const live = createLiveGroups();
let turn = 0;

export const groupDecoders = [
  {
    name: 'pg-packet',
    text: 'the packet of process groups: its head and lengths',
    decode: (bytes) => decodePacket(bytes, head) === undefined,
  },
  {
    name: 'pg-groups',
    text: 'the group header of a message',
    decode(bytes) {
      if (groupHeaderLength(bytes) === 0) return false;
      namesGroup(bytes, groupA);
      return true;
    },
  },
  {
    name: 'pg-assembly',
    text: 'packets of three senders into live assembly buffers',
    decode(bytes) {
      live.client.deliver(1 + (turn++ % 3), bytes, ringId, 'agreed');
      return decodePacket(bytes, head) === undefined;
    },
  },
  {
    name: 'corosync-exec',
    text: "the header in Corosync's group a",
    decode: (bytes) => decodeExecHeader(bytes) !== undefined,
  },
  {
    name: 'corosync-sync',
    text: "Corosync's service_build and barriers",
    decode: (bytes) => decodeSync(bytes) !== undefined,
  },
  {
    name: 'votequorum',
    text: "votequorum's nodeinfo",
    decode: (bytes) => decodeNodeInfo(bytes) !== undefined,
  },
  {
    name: 'cfg',
    text: "cfg's killnode",
    decode: (bytes) => cfg.deliver(1, 2, bytes) === undefined,
  },
  {
    name: 'cpg',
    text: "the four messages of Corosync's service cpg",
    decode(bytes) {
      const names = new cpg.GroupNames();
      const decodeMcast = (message) => cpg.decodeMcast(message, names);
      const read = [cpg.decodeProc, cpg.decodeJoinlist, decodeMcast, cpg.decodePartialMcast];
      return read.filter((decode) => decode(bytes) !== undefined).length > 0;
    },
  },
];
