/** `aisctl inspect SERVICE`: the replicated state of a service, and its hash to compare between nodes. */
import { isSaAisError, SA_AIS_ERR_NOT_EXIST } from '@aisexec/ais';
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print } from '../output.ts';
import { Failure } from '../problems.ts';

export async function inspect(socket: string, format: Format, service: string): Promise<number> {
  const { hash, state } = await withAdmin(socket, async (admin) => {
    try {
      return await admin.inspect(service);
    } catch (error) {
      if (!isSaAisError(error, SA_AIS_ERR_NOT_EXIST)) throw error;
      const names = (await admin.status()).services.map(({ name }) => name).join(', ');
      throw new Failure(`no service '${service}' runs here`, EXIT.failed, `one of: ${names}`);
    }
  });
  await print(
    format,
    { service, hash, state },
    () => `${service} ${hash}\n${JSON.stringify(state, null, 2)}\n`,
  );
  return EXIT.ok;
}
