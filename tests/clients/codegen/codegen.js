// Every scalar of the schema has a type here; `strictScalars` refuses a schema with one that has not.
const config = {
  strictScalars: true,
  scalars: {
    DateTime: 'string',
    Instant: { input: 'string | number', output: 'never' },
    JSON: 'unknown',
    Long: 'number',
  },
};

export default {
  schema: '../../schema.graphql',
  documents: 'codegen/client.ts',
  emitLegacyCommonJSImports: false,
  generates: {
    // What the client below imports.
    'codegen/generated/': { preset: 'client', presetConfig: { fragmentMasking: false }, config: { ...config, documentMode: 'string' } },
    // The same by the plugins alone.
    'codegen/generated/schema.ts': { plugins: ['typescript'], config },
    'codegen/generated/operations.ts': { plugins: ['typescript-operations'], config },
  },
};
