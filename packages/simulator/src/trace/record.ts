/**
 * What happened, one record per event. Checkers see nothing else, so that hand-made traces test them. Records
 * come in the order of virtual time; `node` 0 is the world itself.
 */
import type { Configuration, RingId } from '@aisexec/totem';

export interface RecordHead {
  /** Milliseconds of virtual time. */
  readonly time: number;
  readonly node: number;
  /** 1 on the first start of the node, one more with every restart. */
  readonly incarnation: number;
}

export type TraceDetail = Readonly<Record<string, number | string | readonly number[]>>;

/** The process starts. */
export interface StartRecord extends RecordHead {
  readonly kind: 'start';
}
/** The process is gone: crashed, left, or stopped by an exception of its own. */
export interface FailRecord extends RecordHead {
  readonly kind: 'fail';
  readonly reason: 'crash' | 'leave' | 'exception';
}
/** A client submitted a message and it was accepted. */
export interface SendRecord extends RecordHead {
  readonly kind: 'send';
  readonly message: number;
  readonly hash: number;
  readonly safe: boolean;
}
/** The originator put the message on the network under this sequence number of the ring. */
export interface OrderRecord extends RecordHead {
  readonly kind: 'order';
  readonly ringId: RingId;
  readonly seq: number;
  /** 0: a message of the protocol's own that nobody delivers (a recovery copy). */
  readonly message: number;
}
/** The network handed this message to the process (the omniscient view that E9 needs). */
export interface ReceiveRecord extends RecordHead {
  readonly kind: 'receive';
  readonly ringId: RingId;
  readonly seq: number;
  readonly message: number;
}
export interface DeliverRecord extends RecordHead {
  readonly kind: 'deliver';
  readonly ringId: RingId;
  /** nodeid the layer below names as the sender. */
  readonly source: number;
  readonly message: number;
  readonly hash: number;
  readonly safe: boolean;
}
export interface ConfigurationRecord extends RecordHead {
  readonly kind: 'configuration';
  readonly configuration: Configuration;
}
/** A line of the protocol about itself: state changes, drops. Checkers ignore it. */
export interface NoteRecord extends RecordHead {
  readonly kind: 'note';
  readonly event: string;
  readonly detail?: TraceDetail;
}
/** The nemesis applied or healed something. */
export interface FaultRecord extends RecordHead {
  readonly kind: 'fault';
  readonly event: string;
  readonly detail?: TraceDetail;
}
/** Every fault is healed and every node is up: from here on the cluster must converge (L1). */
export interface HealRecord extends RecordHead {
  readonly kind: 'heal';
}
/** A workload found a wrong answer. */
export interface WrongRecord extends RecordHead {
  readonly kind: 'wrong';
  readonly property: string;
  readonly text: string;
}
/** Hash of a service's replicated state at one place of the total order. */
export interface StateRecord extends RecordHead {
  readonly kind: 'state';
  readonly ringId: RingId;
  readonly service: string;
  /** `view`: right after synchronisation; `end`: at quiescence. */
  readonly place: 'view' | 'end';
  readonly hash: string;
}
/** What the quorum filter of a node says of a regular configuration; only of filters that count votes. */
export interface QuorumRecord extends RecordHead {
  readonly kind: 'quorum';
  readonly ringId: RingId;
  readonly members: readonly number[];
  readonly quorate: boolean;
}
/** Looked at from time to time: how many tokens an operational process has handled. */
export interface TokenRecord extends RecordHead {
  readonly kind: 'token';
  readonly ringId: RingId;
  readonly visits: number;
  /** Not operational, or paused: it need not handle tokens now. */
  readonly excused: boolean;
}
/** The run is over. */
export interface EndRecord extends RecordHead {
  readonly kind: 'end';
}

export type TraceRecord =
  | StartRecord
  | FailRecord
  | SendRecord
  | OrderRecord
  | ReceiveRecord
  | DeliverRecord
  | ConfigurationRecord
  | NoteRecord
  | FaultRecord
  | HealRecord
  | WrongRecord
  | StateRecord
  | QuorumRecord
  | TokenRecord
  | EndRecord;

export type TraceKind = TraceRecord['kind'];

/** Where records go: checkers, the printer, a test's array. */
export type TraceSink = (record: TraceRecord) => void;

const COUNTER_SPAN = 0x100_0000;
const INCARNATION_SPAN = 0x1_0000;

/**
 * A message id is one safe integer: node, incarnation, stream (0 normal, 1 sync), counter from 1. Within
 * one stream ids rise by one in the order of sending.
 */
export function messageId(
  node: number,
  incarnation: number,
  stream: 0 | 1,
  counter: number,
): number {
  return (node * INCARNATION_SPAN + incarnation * 2 + stream) * COUNTER_SPAN + counter;
}

export const messageNode = (id: number): number => Math.floor(id / COUNTER_SPAN / INCARNATION_SPAN);
export const messageIncarnation = (id: number): number =>
  (Math.floor(id / COUNTER_SPAN) % INCARNATION_SPAN) >> 1;
export const messageStream = (id: number): number => Math.floor(id / COUNTER_SPAN) & 1;
export const messageCounter = (id: number): number => id % COUNTER_SPAN;

/** `2.1.15`: the 15th message of node 2 in its first life; `2.1.s1` its first sync message. */
export function messageText(id: number): string {
  const stream = messageStream(id) === 1 ? 's' : '';
  return `${messageNode(id)}.${messageIncarnation(id)}.${stream}${messageCounter(id)}`;
}
