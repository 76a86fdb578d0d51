/** Examples of what is sent and answered, by the operation's id. A test holds them against the schemas. */

type Example = Readonly<{ request?: object; answer?: object }>;

const START = { id: '0199e0c8-6a5e-7c31-9d0e-3f1b2a7c5d90', storeId: 'S001', till: 'T2', device: 'Counter tablet' };

export const EXAMPLES: Readonly<Record<string, Example>> = {
  'create-till-starts': {
    request: START,
    answer: { ...START, generation: 3, startedAt: '2026-11-01T08:00:12.000Z', userId: 'user-clerk', version: 1 },
  },
  gaps: {
    answer: {
      storeId: 'S001',
      data: [
        {
          till: 'T2',
          generation: 3,
          first: 1,
          last: 124,
          count: 120,
          missing: 4,
          gaps: [
            { from: 17, to: 17 },
            { from: 119, to: 121 },
          ],
        },
      ],
      more: false,
    },
  },
};
