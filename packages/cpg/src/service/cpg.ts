/**
 * CPG, Corosync's closed process groups, spoken as the C daemons speak it (totem-wire §4.3): processes of
 * Node.js behind this executive and processes of C behind theirs are members of one group and see one order
 * of messages and of changes. Pure.
 *
 * A client is one membership: it joins one group, once. A message is answered when it is delivered here,
 * so what a client has outstanding is what it has in flight.
 */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
  Slabs,
} from '@aisexec/ais';
import {
  type ClientSink,
  type CorosyncBus,
  type CorosyncService,
  Emitter,
  type Reply,
  type SyncStart,
} from '@aisexec/service';
import { encodeBare } from '../bare.ts';
import { GROUP_MEMBERS_MAX, LOCAL_MEMBERS_MAX } from '../limits.ts';
import {
  bareMulticastRequest,
  CPG_SERVICE,
  type CpgChange,
  type CpgProcess,
  CpgReason,
  type JoinRequest,
  joinRequest,
  leaveRequest,
  MEMBERS,
  MESSAGE,
  type MembersEvent,
  type MessageEvent,
  multicastRequest,
  type PartRequest,
  partRequest,
  RING,
  type RingEvent,
} from '../protocol.ts';
import { CpgClient } from './clients.ts';
import { Groups } from './groups.ts';
import { Joinlists } from './joinlists.ts';
import { Waiting } from './waiting.ts';
import * as wire from './wire.ts';

/** A connected client, for who connected it. */
export interface CpgConnection {
  request(request: number, fn: string, argument: unknown): void;
  disconnect(): void;
}

export interface CpgService extends CorosyncService {
  connect(sink: ClientSink): CpgConnection;
}

export function createCpgService(bus: CorosyncBus): CpgService {
  return new Cpg(bus);
}

class Cpg implements CpgService {
  readonly id = wire.CPG_SERVICE_ID;
  readonly name = CPG_SERVICE;
  readonly #bus: CorosyncBus;
  readonly #groups = new Groups();
  readonly #joinlists = new Joinlists(this.#groups);
  readonly #waiting: Waiting;
  readonly #emitter = new Emitter();
  readonly #names = new wire.GroupNames();
  readonly #slabs = new Slabs();
  readonly #clients = new Set<CpgClient>();
  #listed = true;
  #start: SyncStart | undefined;
  /** Counts them; which one it is only matters to a message in parts. */
  #configuration = 0;

  constructor(bus: CorosyncBus) {
    this.#bus = bus;
    this.#waiting = new Waiting(bus);
  }

  connect(sink: ClientSink): CpgConnection {
    const client = new CpgClient(sink);
    this.#clients.add(client);
    return {
      request: (request, fn, argument) => {
        // Nothing changes after it: no event of its own.
        if (fn === 'multicast') this.#request(client, request, fn, argument);
        else this.#emitter.event(() => this.#request(client, request, fn, argument));
      },
      disconnect: () => this.#disconnect(client),
    };
  }

  inspect(): unknown {
    return this.#groups.all();
  }

  // Requests of clients

  #request(client: CpgClient, request: number, fn: string, argument: unknown): void {
    const rc = this.#submit(client, request, fn, argument);
    if (rc !== SA_AIS_OK) this.#reply(client, request, { rc });
  }

  /** OK: the answer comes when it is ordered. */
  #submit(client: CpgClient, request: number, fn: string, argument: unknown): SaAisErrorT {
    switch (fn) {
      case 'join':
        if (!joinRequest.check(argument)) return SA_AIS_ERR_INVALID_PARAM;
        return this.#join(client, request, argument);
      case 'multicast':
        if (bareMulticastRequest.check(argument)) return this.#multicast(client, request, argument);
        if (!multicastRequest.check(argument)) return SA_AIS_ERR_INVALID_PARAM;
        return this.#multicast(client, request, argument.bytes);
      case 'part':
        if (!partRequest.check(argument)) return SA_AIS_ERR_INVALID_PARAM;
        return this.#part(client, request, argument);
      case 'leave':
        if (!leaveRequest.check(argument)) return SA_AIS_ERR_INVALID_PARAM;
        return this.#leave(client, request);
      default:
        return SA_AIS_ERR_BAD_OPERATION;
    }
  }

  #join(client: CpgClient, request: number, { pid, ...wanted }: JoinRequest): SaAisErrorT {
    const group = textOf(wanted.group);
    if (client.state !== 'idle') return SA_AIS_ERR_EXIST;
    for (const other of this.#clients) {
      if (!other.is(group, pid)) continue;
      return other.state === 'gone' ? SA_AIS_ERR_TRY_AGAIN : SA_AIS_ERR_EXIST;
    }
    const local = [...this.#clients].filter(({ state }) => state !== 'idle').length;
    const isFull = this.#groups.members(group).length >= GROUP_MEMBERS_MAX;
    if (isFull || local >= LOCAL_MEMBERS_MAX) return SA_AIS_ERR_NO_RESOURCES;
    client.group = group;
    client.pid = pid;
    client.isBare = wanted.bare === true;
    client.head = wire.createMcastHead(this.#bus.nodeId, { group, pid });
    client.state = 'joining';
    client.change = request;
    this.#waiting.push(wire.encodeProcJoin({ group, pid, reason: CpgReason.join }));
    return SA_AIS_OK;
  }

  #multicast(client: CpgClient, request: number, bytes: Uint8Array): SaAisErrorT {
    if (client.mayMulticast !== SA_AIS_OK) return client.mayMulticast;
    if (!this.#waiting.hasRoom) return SA_AIS_ERR_TRY_AGAIN;
    client.sending.push(request);
    wire.fitMcastHead(client.head, bytes.length);
    this.#waiting.push(client.head, bytes);
    return SA_AIS_OK;
  }

  /**
   * A node that comes in while a message is under way would get its end only: as with Corosync, a message whose
   * parts were not all sent before a change of the configuration is given up, and its sender told.
   */
  #part(client: CpgClient, request: number, part: PartRequest): SaAisErrorT {
    if (client.mayMulticast !== SA_AIS_OK) return client.mayMulticast;
    if (!this.#waiting.hasRoom) return SA_AIS_ERR_TRY_AGAIN;
    const taken = client.takePart(part, this.#configuration);
    if (taken.rc !== SA_AIS_OK) return taken.rc;
    const { group, pid } = client;
    const { bytes, total } = part;
    const { sent } = taken;
    client.sending.push(request);
    const message = { group, pid, bytes };
    this.#waiting.push(wire.encodePartialMcast(this.#bus.nodeId, message, { sent, total }));
    return SA_AIS_OK;
  }

  #leave(client: CpgClient, request: number): SaAisErrorT {
    if (client.state !== 'joined') return SA_AIS_ERR_BAD_HANDLE;
    client.state = 'leaving';
    client.change = request;
    this.#sendLeave(client, CpgReason.leave);
    return SA_AIS_OK;
  }

  #disconnect(client: CpgClient): void {
    const { state } = client;
    if (state === 'gone') return;
    if (state === 'joining' || state === 'joined') this.#sendLeave(client, CpgReason.processDown);
    if (state === 'idle') this.#clients.delete(client);
    else client.state = 'gone';
  }

  #sendLeave({ group, pid }: CpgClient, reason: CpgReason): void {
    this.#waiting.push(wire.encodeProcLeave({ group, pid, reason }));
  }

  // Ordered messages

  deliver(fn: number, source: number, message: Uint8Array): string | undefined {
    if (fn === wire.FN.mcast) return this.#onMcast(source, wire.decodeMcast(message, this.#names));
    let reason: string | undefined;
    this.#emitter.event(() => {
      reason = this.#deliver(fn, source, message);
    });
    return reason;
  }

  #deliver(fn: number, source: number, message: Uint8Array): string | undefined {
    switch (fn) {
      case wire.FN.procjoin:
      case wire.FN.procleave: {
        const change = wire.decodeProc(message);
        if (change === undefined) return 'malformed procjoin or procleave';
        if (fn === wire.FN.procjoin) this.#onJoin(source, change);
        else this.#onLeave(source, change);
        return undefined;
      }
      case wire.FN.joinlist: {
        const entries = wire.decodeJoinlist(message);
        if (entries === undefined) return 'malformed joinlist';
        return this.#joinlists.receive(source, entries) ? undefined : 'joinlist nobody waits for';
      }
      case wire.FN.partialMcast:
        return this.#onMcast(source, wire.decodePartialMcast(message));
      default:
        // Downlists are for the log of the C daemons.
        return undefined;
    }
  }

  #onJoin(nodeId: number, { group, pid }: wire.ProcChange): void {
    const who = { nodeId, pid };
    this.#joinlists.amend(group, who, true);
    const client = nodeId === this.#bus.nodeId ? this.#clientOf(group, pid) : undefined;
    if (this.#groups.add(group, who)) {
      this.#tellMembers(group, { joined: [{ ...who, reason: CpgReason.join }], left: [] });
    }
    if (client?.state !== 'joining') return;
    client.state = 'joined';
    const members = this.#groups.members(group).map(processOf);
    this.#reply(client, client.change, { rc: SA_AIS_OK, self: who, members, bare: client.isBare });
  }

  #onLeave(nodeId: number, { group, pid, reason }: wire.ProcChange): void {
    const who = { nodeId, pid };
    this.#joinlists.amend(group, who, false);
    if (nodeId === this.#bus.nodeId) {
      const client = this.#clientOf(group, pid);
      if (client?.state === 'leaving') this.#reply(client, client.change, { rc: SA_AIS_OK });
      if (client !== undefined) this.#ended(client);
    }
    if (!this.#groups.remove(group, who)) return;
    const why = reason === CpgReason.leave ? CpgReason.leave : CpgReason.processDown;
    this.#tellMembers(group, { joined: [], left: [{ ...who, reason: why }] });
  }

  /** Its leave has been ordered: nothing of this membership is on its way any more. */
  #ended(client: CpgClient): void {
    if (client.state === 'gone') this.#clients.delete(client);
    client.state = 'idle';
    client.sending.length = 0;
    client.parts = undefined;
  }

  #onMcast(nodeId: number, mcast: wire.Mcast | undefined): string | undefined {
    if (mcast === undefined) return 'malformed mcast';
    const { group, pid, bytes, part } = mcast;
    if (!this.#groups.hasNode(group, nodeId)) return 'message of a node without a member';
    const sender = nodeId === this.#bus.nodeId ? this.#clientOf(group, pid) : undefined;
    const request = sender?.sending.shift();
    const event: MessageEvent = { nodeId, pid, bytes, part };
    let bare: Uint8Array | undefined;
    let kept: MessageEvent | undefined;
    for (const client of this.#clients) {
      if (!isIn(client) || client.group !== group) continue;
      // Made once for all who read it.
      if (client.isBare) bare ??= encodeBare(this.#slabs, event);
      else kept ??= { ...event, bytes: bytes.slice() };
      this.#call(client, MESSAGE, client.isBare ? bare : kept);
    }
    if (request !== undefined) this.#reply(sender!, request, DONE);
    return undefined;
  }

  // Synchronisation

  readonly sync = {
    init: (start: SyncStart): void => {
      this.#start = start;
      this.#listed = false;
      this.#joinlists.begin(start);
    },
    work: (): boolean => {
      const mine = this.#groups.ofNode(this.#bus.nodeId);
      this.#listed ||= mine.length === 0 || this.#bus.multicast(wire.encodeJoinlist(mine));
      return this.#listed;
    },
    activate: (): void => this.#emitter.event(() => this.#activate()),
    abort: (): void => this.#joinlists.abort(),
  };

  #activate(): void {
    const { ringId, members } = this.#start!;
    for (const [group, change] of this.#joinlists.apply()) this.#tellMembers(group, change);
    const event: RingEvent = { ringId, nodes: members };
    for (const client of this.#clients) {
      if (isIn(client)) this.#call(client, RING, event);
    }
  }

  suspended(): void {
    this.#configuration++;
    this.#waiting.close();
  }

  resumed(): void {
    this.#waiting.open();
  }

  drained(): void {
    this.#waiting.flush();
  }

  // Answers

  #tellMembers(
    group: string,
    {
      joined,
      left,
    }: { readonly joined: readonly CpgChange[]; readonly left: readonly CpgChange[] },
  ): void {
    const members = this.#groups.members(group).map(processOf);
    const event: MembersEvent = { members, joined, left };
    for (const client of this.#joinedClients(group)) this.#call(client, MEMBERS, event);
  }

  #joinedClients(group: string): CpgClient[] {
    return [...this.#clients].filter((client) => isIn(client) && client.group === group);
  }

  #clientOf(group: string, pid: number): CpgClient | undefined {
    for (const client of this.#clients) if (client.is(group, pid)) return client;
    return undefined;
  }

  #reply(client: CpgClient, request: number, reply: Reply): void {
    const tell = () => {
      if (client.state !== 'gone') client.sink.reply(request, reply);
    };
    if (this.#emitter.isIdle) tell();
    else this.#emitter.emit(tell);
  }

  #call(client: CpgClient, name: string, payload: unknown): void {
    const tell = () => {
      if (client.state !== 'gone') client.sink.callback(name, payload);
    };
    if (this.#emitter.isIdle) tell();
    else this.#emitter.emit(tell);
  }
}

/** The answer to a message that is delivered. */
const DONE: Reply = { rc: SA_AIS_OK };

function isIn({ state }: CpgClient): boolean {
  return state === 'joined' || state === 'leaving';
}

function processOf({ nodeId, pid }: CpgProcess): CpgProcess {
  return { nodeId, pid };
}

/** One character per byte: a key that any name fits. */
function textOf(name: Uint8Array): string {
  let text = '';
  for (const byte of name) text += String.fromCharCode(byte);
  return text;
}
