/**
 * A client connection of a workload: numbers requests, matches replies, and reports what no host may ever do:
 * answer twice, answer what was not asked, speak after it has closed.
 */
import type { CallbackOptions, ClientRef, ClientSink, Reply } from '@aisexec/service';
import type { WorkloadContext } from './workload.ts';

export interface Connection {
  request(fn: string, argument: unknown, onReply: (reply: Reply) => void): void;
  disconnect(): void;
  readonly outstanding: number;
  readonly open: boolean;
}

type OnCallback = (name: string, payload: unknown, options: CallbackOptions | undefined) => void;

export function openConnection(
  context: WorkloadContext,
  service: string,
  onCallback: OnCallback = () => undefined,
): Connection {
  const waiting = new Map<number, (reply: Reply) => void>();
  const wrong = (text: string): void => context.wrong('connection', `${service}: ${text}`);
  let next = 1;
  let open = true;
  const sink: ClientSink = {
    reply(request, reply) {
      const onReply = waiting.get(request);
      if (!open) wrong(`reply to request ${request} after the end of the connection`);
      else if (onReply === undefined) wrong(`reply to request ${request}, which does not wait`);
      waiting.delete(request);
      onReply?.(reply);
    },
    callback(name, payload, options) {
      if (open) onCallback(name, payload, options);
      else wrong(`callback ${name} after the end of the connection`);
    },
    closed(reason) {
      open = false;
      waiting.clear();
      wrong(`closed by its host: ${reason}`);
    },
  };
  const ref: ClientRef | undefined = context.host.connect(service, 0, sink);
  if (ref === undefined) {
    open = false;
    wrong('no such service');
  }
  return {
    request(fn, argument, onReply) {
      if (!open || ref === undefined) return;
      const request = next;
      next += 1;
      waiting.set(request, onReply);
      context.host.request(ref, request, fn, argument);
    },
    disconnect() {
      if (!open || ref === undefined) return;
      open = false;
      waiting.clear();
      context.host.disconnect(ref);
    },
    get outstanding() {
      return waiting.size;
    },
    get open() {
      return open;
    },
  };
}
