/** What `evt publish` and `ckpt put` send: the option, else all of standard input. */
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../problems.ts';

/** @throws Failure when there is more than `bytesMax`; no more than that is kept in memory. */
export async function inputBytes(data: string | undefined, bytesMax: number): Promise<Uint8Array> {
  if (data !== undefined) return checked(Buffer.from(data, 'utf8'), bytesMax);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) break;
    chunks.push(chunk);
  }
  if (size > bytesMax) throw tooMuch(bytesMax);
  return Buffer.concat(chunks);
}

function checked(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (bytes.length > bytesMax) throw tooMuch(bytesMax);
  return bytes;
}

function tooMuch(bytesMax: number): Failure {
  return new Failure(`the data is longer than ${bytesMax} bytes`, EXIT.data, 'less at a time');
}
