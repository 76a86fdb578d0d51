# Varnish as a caching reverse proxy: what `npm run bench:cache` holds Larder against.
# Words in ${…} are filled in by the benchmark. Its defaults are kept: they are what its makers recommend.
vcl 4.1;

backend origin {
  .host = "${ORIGIN_HOST}";
  .port = "${ORIGIN_PORT}";
}

sub vcl_deliver {
  # Of the object: greater than zero means that it was found in the cache.
  if (obj.hits > 0) {
    set resp.http.X-Cache = "HIT";
  } else {
    set resp.http.X-Cache = "MISS";
  }
}
