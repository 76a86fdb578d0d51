import { defineConfig } from 'vitest/config';

// Two cores everywhere: two files at a time, and no test may rely on being quick.
export default defineConfig({
  test: {
    include: ['{sync,proxy,inventory-app,bench}/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
});
