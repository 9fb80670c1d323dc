// Who is here, and every change.
import { Membership } from '@aisexec/clm';

const membership = await Membership.connect();
for await (const { viewNumber, members, joined } of membership.track()) {
  console.log(
    `view ${viewNumber > 0n ? 'n' : viewNumber}: ${members.length} member, joined ${joined.length}`,
  );
  break; // a program that stays would go on
}
await membership.close();
