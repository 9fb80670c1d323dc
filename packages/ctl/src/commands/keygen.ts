/** `aisctl keygen`: a new key file. It takes no part in what runs: copying and rotating come after it. */
import { createKeyFile, KeyFileError, keyName } from '@aisexec/executive/key-file';
import { EXIT } from '../exit-codes.ts';
import { write } from '../output.ts';
import { Failure } from '../problems.ts';

export async function keygen(file: string, id: number | undefined): Promise<number> {
  try {
    const key = createKeyFile(file, id);
    await write(`${file}: key ${keyName(key)}\n`);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof KeyFileError) throw new Failure(error.message, EXIT.failed);
    throw error;
  }
}
