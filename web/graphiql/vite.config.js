import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // The path under which the server has the page.
  base: '/graphiql/',
  plugins: [react()],
  build: {
    // Monaco alone is larger than the size that Vite warns at.
    chunkSizeWarningLimit: 4000,
    // Small files as data: URLs inside scripts would be refused by the page's content security policy.
    assetsInlineLimit: 0,
  },
});
