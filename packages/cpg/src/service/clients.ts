/** The processes of this node that use CPG, each with the calls it waits for. */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ClientSink } from '@aisexec/service';

export class CpgClient {
  readonly sink: ClientSink;
  group = '';
  pid = 0;
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

  is(group: string, pid: number): boolean {
    return this.state !== 'idle' && this.group === group && this.pid === pid;
  }
}
