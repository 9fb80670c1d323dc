// The Corosync below an executive as a later version of itself, as a package's upgrade would leave it: another file,
// with another version string, and a configuration with another version and another time-out.
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Token time-outs of both configurations, in milliseconds: so long that a busy machine is no fault. */
const TOKEN_MS = { old: 10_000, new: 12_000 };

/** Keys of the laboratory's configuration before the first upgrade. */
export const OLD_TOTEM = { token: TOKEN_MS.old };

/** @param lab a laboratory of Corosync daemons (test/interop/netns.ts) */
export function otherCorosync(lab) {
  const ours = execFileSync('sh', ['-c', 'command -v corosync'], { encoding: 'utf8' }).trim();
  const version = versionOf(ours);
  const later = version.replace(/\d+$/, (last) => '9'.repeat(last.length));
  const program = join(lab.directory, 'corosync-later');
  const text = readFileSync(ours, 'latin1');
  writeFileSync(program, text.replaceAll(version, later), 'latin1');
  chmodSync(program, 0o755);
  if (versionOf(program) !== later) throw new Error(`${program} does not say ${later}`);
  let configVersion = 1;
  return {
    from: `Corosync ${version} to ${later}`,
    prepare() {},
    down: ({ id }) => lab.node(id).stop('SIGTERM'),
    async up({ id }, isNew) {
      const node = lab.corosync(id);
      node.program = isNew ? program : ours;
      const token = isNew ? TOKEN_MS.new : TOKEN_MS.old;
      const conf = readFileSync(node.configFile, 'utf8')
        .replace(/^ {2}config_version: .*\n/m, '')
        .replace(/^ {2}token: .*$/m, `  config_version: ${++configVersion}\n  token: ${token}`);
      writeFileSync(node.configFile, conf);
      node.start();
      await lab.ring(lab.nodes.map((one) => one.id));
    },
  };
}

function versionOf(program) {
  const said = execFileSync(program, ['-v'], { encoding: 'utf8' });
  return /version '(\d+\.\d+\.\d+)'/.exec(said)[1];
}
