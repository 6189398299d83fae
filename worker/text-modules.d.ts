/** wrangler's default rule for `.txt` (https://developers.cloudflare.com/workers/wrangler/bundling/): the file's text. */
declare module "*.txt" {
  const text: string;
  export default text;
}
