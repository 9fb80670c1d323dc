// May this part of the cluster act? Asked once, and watched.
import { Quorum } from '@aisexec/quorum';

await using quorum = await Quorum.connect();
const { votes, needed } = await quorum.info();
console.log(`${votes} of ${needed} needed votes`);
for await (const { quorate } of quorum.track()) {
  console.log(quorate ? 'may act' : 'waits');
  break;
}
