/** The inventory app's profile as a later release of it: what an upgrade brings, and a rollback takes away. */
import profile from '../../../inventory-app/edge/profile.ts';

export default { ...profile, release: profile.release + 1 };
