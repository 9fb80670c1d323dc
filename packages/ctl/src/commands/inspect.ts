/** `aisctl inspect SERVICE`: the replicated state of a service, and its hash to compare between nodes. */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print } from '../output.ts';

export async function inspect(socket: string, format: Format, service: string): Promise<number> {
  const { hash, state } = await withAdmin(socket, (admin) => admin.inspect(service));
  await print(
    format,
    { service, hash, state },
    () => `${service} ${hash}\n${JSON.stringify(state, null, 2)}\n`,
  );
  return EXIT.ok;
}
