// A client that is somebody else: becomes GID and UID, connects, makes the calls it was given and prints their
// codes. A connection that is refused is the code of its refusal.
//   node roles.child.mjs SOCKET UID GID '[["lck","open",{…}], …]'
import { isSaAisError } from '@aisexec/ais';
import { socketConnector } from '@aisexec/ipc';

const bigints = (_key, value) => (/^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value);
const [socket, uid, gid, calls] = process.argv.slice(2);
process.setgroups([]);
process.setgid(Number(gid));
process.setuid(Number(uid));
const codes = [];
for (const [service, fn, argument] of JSON.parse(calls, bigints)) {
  codes.push(await call(service, fn, argument));
}
console.log(JSON.stringify(codes));
process.exit(0);

async function call(service, fn, argument) {
  try {
    const connection = await socketConnector(socket).connect(service);
    const { rc } = await connection.request(fn, argument);
    await connection.close();
    return rc;
  } catch (error) {
    if (isSaAisError(error)) return error.code;
    throw error;
  }
}
