// The executive's own word on its condition, through its admin channel.
import { socketConnector } from '@aisexec/ipc';

/** Asks one executive; undefined when it does not answer in time (paused, starting, dead). */
export async function statusOf(node, timeoutMs = 500) {
  return ask(node, 'status', undefined, timeoutMs);
}

/** `{ service: hash }` of the replicated states as this node holds them. */
export async function stateHashes(node, services) {
  const hashes = {};
  for (const service of services) {
    hashes[service] = (await ask(node, 'inspect', { service }, 5000))?.hash;
  }
  return hashes;
}

async function ask(node, fn, argument, timeoutMs) {
  let timer;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  let connection;
  const answer = (async () => {
    connection = await socketConnector(node.socket).connect('admin');
    const reply = await connection.request(fn, argument);
    return fn === 'status' ? reply.status : reply;
  })().catch(() => undefined);
  const result = await Promise.race([answer, timeout]);
  clearTimeout(timer);
  answer.then(() => connection?.close()).catch(() => {});
  return result;
}
