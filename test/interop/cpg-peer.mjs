// A process on our CPG client, as the programs drive one: what cpg-peer.c is on libcpg, with the same lines on
// standard input, the same loads, digests and answers. AISEXEC_SOCKET says where the executive is; the arguments
// are the group and the number of this member.
import { createInterface } from 'node:readline';
import { ProcessGroup } from '@aisexec/cpg';

const DIGEST_EMPTY = 2_166_136_261;
const WINDOW = 32;
const JOIN_MS = 60_000;

const [, , name, pid] = process.argv;
// A daemon that was started with it may take its time to listen.
const group = await ProcessGroup.join(name, { pid: Number(pid), timeoutMs: JOIN_MS });
let digest = DIGEST_EMPTY;
let count = 0;
// An executive that is gone ends this process, too.
listen().catch(() => process.exit(1));
createInterface({ input: process.stdin }).on('line', (line) => void obey(line.split(' ')));
process.stdin.on('end', () => process.exit());

async function obey([what, ...words]) {
  const numbers = words.map(Number);
  if (what === 'mix') {
    await send(...numbers);
    console.log(`sent ${numbers[0]}`);
  } else if (what === 'reset') {
    [digest, count] = [DIGEST_EMPTY, 0];
    console.log('reset');
  } else if (what === 'hash') {
    console.log(`hash ${count} ${(digest >>> 0).toString(16).padStart(8, '0')}`);
  } else if (what === 'leave') {
    await group.leave();
    process.exit();
  }
}

async function send(messages, max, seed) {
  let state = seed;
  const draw = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
  const window = new Set();
  for (let i = 0; i < messages; i++) {
    const base = 2 ** (draw() % (Math.floor(Math.log2(max)) + 1));
    const length = Math.min(max, base + (draw() % base));
    const sent = group.multicast(new Uint8Array(length).fill(state >>> 24));
    window.add(sent);
    void sent.finally(() => window.delete(sent));
    if (window.size >= WINDOW) await Promise.race(window);
  }
  await Promise.all(window);
}

async function listen() {
  for await (const event of group.events()) {
    if (event.type === 'message') note(event);
    else if (event.type === 'members') {
      console.log(
        `members all=${event.members.map(({ nodeId, pid }) => `${nodeId}.${pid}`).join()}`,
      );
    }
  }
}

function note({ from, bytes }) {
  const head = new DataView(new ArrayBuffer(12));
  for (const [i, word] of [from.nodeId, from.pid, bytes.length].entries()) {
    head.setUint32(4 * i, word, true);
  }
  mix(new Uint8Array(head.buffer));
  mix(bytes);
  count++;
}

function mix(bytes) {
  let state = digest;
  for (let i = 0; i < bytes.length; i++) state = Math.imul(state ^ bytes[i], 16_777_619);
  digest = state;
}
