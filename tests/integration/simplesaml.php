<?php
// Takes a service's metadata (standard input) into the metadata of this provider, as its administrator
// would. Arguments: the file to write, and more settings as JSON.
require_once '/usr/share/simplesamlphp/lib/_autoload.php';

$parsed = \SimpleSAML\Metadata\SAMLParser::parseString(stream_get_contents(STDIN));
$service = array_merge($parsed->getMetadata20SP(), json_decode($argv[2], true));
$line = '$metadata[' . var_export($service['entityid'], true) . '] = ' . var_export($service, true);
file_put_contents($argv[1], "<?php\n$line;\n");
