import type { ClientSink, ServiceHost } from '@aisexec/service';
import { expect, test } from '@jest/globals';
import { createBackend } from './backend.ts';

test('the service host is told which process a client belongs to', () => {
  const sinks: ClientSink[] = [];
  const connect: ServiceHost['connect'] = (_service, _uid, sink) => {
    sinks.push(sink);
    return { node: 1, connection: sinks.length };
  };
  const backend = createBackend({
    host: { connect } as ServiceHost,
    admin: {} as Parameters<typeof createBackend>[0]['admin'],
    access: () => 'user',
    hasMet: () => true,
  });
  const sink = { reply: () => {}, callback: () => {}, closed: () => {} };
  backend.connect('lck', 0, { ...sink, process: 7 });
  backend.connect('lck', 0, sink);
  expect(sinks.map(({ process }) => process)).toEqual([7, undefined]);
});
