/** Corosync's parameters and how they follow from each other (totem-wire §3.1). */
import type { RingConfig } from '../ring.ts';
import { PAYLOAD_BYTES_DEFAULT, QUEUE_BYTES } from './limits.ts';

/** What must be given; everything else can be. */
export type RingOptions = Pick<RingConfig, 'nodeId' | 'ringSeq' | 'random'> &
  Partial<RingConfig> & {
    /** Configured nodes: the default token time-out grows with every one beyond two. */
    readonly nodes?: number;
    /** Token resends before the token counts as lost. */
    readonly tokenRetransmitsBeforeLoss?: number;
  };

const TOKEN_MS = 3_000;
const TOKEN_COEFFICIENT_MS = 650;
const RETRANSMITS_BEFORE_LOSS = 4;

/** A complete configuration, with Corosync 3.1's value for everything that is not given. */
export function ringDefaults(options: RingOptions): RingConfig {
  const { nodes = 2, tokenRetransmitsBeforeLoss = RETRANSMITS_BEFORE_LOSS, ...given } = options;
  const tokenMs = given.tokenMs ?? TOKEN_MS + TOKEN_COEFFICIENT_MS * Math.max(0, nodes - 2);
  const tokenRetransmitMs =
    given.tokenRetransmitMs ??
    Math.max(1, Math.floor(tokenMs / (tokenRetransmitsBeforeLoss + 0.2)));
  const payloadBytesMax = given.payloadBytesMax ?? PAYLOAD_BYTES_DEFAULT;
  return {
    payloadBytesMax,
    tokenMs,
    tokenMaxMs: tokenMs,
    tokenRetransmitMs,
    holdMs: Math.max(1, Math.floor(0.8 * tokenRetransmitMs - 10)),
    joinMs: 50,
    consensusMs: Math.floor(1.2 * tokenMs),
    mergeMs: 200,
    sendJoinMs: 0,
    failRecvConst: 2_500,
    seqnoUnchangedConst: 30,
    missCountConst: 5,
    windowSize: 50,
    maxMessages: 17,
    acceleratedWindow: 0,
    queueSlots: Math.floor(QUEUE_BYTES / payloadBytesMax),
    initialSeq: 0,
    ...given,
  };
}
