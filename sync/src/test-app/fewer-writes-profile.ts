/** A later release of the test app's profile that has given up orders. */
import { defineApp } from '../profile.ts';
import profile from './profile.ts';

const { 'POST /orders': _orders, ...writes } = profile.writes;

export default defineApp({ ...profile, release: 2, writes });
