/** The processes of this node that use CPG, each with the calls it waits for. */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INTERRUPT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ClientSink } from '@aisexec/service';
import { ASSEMBLY_BYTES_MAX } from '../limits.ts';
import type { PartRequest } from '../protocol.ts';

/** `sent`: bytes that went before the part. */
export type PartTaken =
  | { readonly rc: typeof SA_AIS_OK; readonly sent: number }
  | { readonly rc: typeof SA_AIS_ERR_INVALID_PARAM | typeof SA_AIS_ERR_INTERRUPT };

export class CpgClient {
  readonly sink: ClientSink;
  group = '';
  pid = 0;
  /** It reads and writes messages without a map (bare.ts). */
  isBare = false;
  /** Of its messages. */
  head = new Uint8Array(0);
  /** `gone`: its connection has ended, its leave is on the way. */
  state: 'idle' | 'joining' | 'joined' | 'leaving' | 'gone' = 'idle';
  /** The request that waits for the join or leave to be ordered. */
  change = 0;
  /** Requests of messages on their way, in order. */
  readonly sending: number[] = [];

  /** The message that is coming in parts: how far it is, and in which configuration it began. */
  parts: { sent: number; readonly total: number; readonly configuration: number } | undefined;

  constructor(sink: ClientSink) {
    this.sink = sink;
  }

  /** Why it cannot multicast; OK: it can. */
  get mayMulticast(): SaAisErrorT {
    if (this.state === 'joined') return SA_AIS_OK;
    return this.state === 'joining' ? SA_AIS_ERR_TRY_AGAIN : SA_AIS_ERR_BAD_HANDLE;
  }

  /** How far its message in parts has come, with this part to the end; or why the part is refused. */
  takePart({ bytes, total, first }: PartRequest, configuration: number): PartTaken {
    if (first) this.parts = { sent: 0, total, configuration };
    const { parts } = this;
    if (parts === undefined || parts.total !== total) return { rc: SA_AIS_ERR_INVALID_PARAM };
    const { sent } = parts;
    const end = sent + bytes.length;
    const isPart = bytes.length > 0 && bytes.length < total && end <= total;
    const isOver = !isPart || total > ASSEMBLY_BYTES_MAX;
    if (isOver || parts.configuration !== configuration || end === total) this.parts = undefined;
    else parts.sent = end;
    if (isOver) return { rc: SA_AIS_ERR_INVALID_PARAM };
    if (parts.configuration !== configuration) return { rc: SA_AIS_ERR_INTERRUPT };
    return { rc: SA_AIS_OK, sent };
  }

  is(group: string, pid: number): boolean {
    return this.state !== 'idle' && this.group === group && this.pid === pid;
  }
}
