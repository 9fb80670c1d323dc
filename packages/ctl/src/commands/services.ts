/** `aisctl services`: which services run in this executive. */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print, table } from '../output.ts';

export async function services(socket: string, format: Format): Promise<number> {
  const { services: list } = await withAdmin(socket, (admin) => admin.status());
  await print(format, { services: list }, () =>
    table(
      ['ID', 'NAME', 'STATE'],
      list.map(({ id, name, state }) => [id, name, state]),
    ),
  );
  return EXIT.ok;
}
