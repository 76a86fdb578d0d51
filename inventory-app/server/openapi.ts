export function openApi(): { openapi: string } {
  return { openapi: '3.1.0' };
}
