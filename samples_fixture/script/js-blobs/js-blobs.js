// Fixture: encoded words that nothing decodes.
var plain = "Y29uc29sZS5sb2coJ2hlbGxvIGZyb20gd2l0aGluIGEgc2NyaXB0Jyk7";
var digits = "636f6e736f6c652e6c6f67282768656c6c6f2066726f6d2077697468696e20612073637269707427293b";
var codes = [99, 111, 110, 115, 111, 108, 101, 46, 108, 111, 103, 40, 39, 104, 101, 108, 108, 111, 32, 102, 114, 111, 109, 32, 119, 105, 116, 104, 105, 110, 32, 97, 32, 115, 99, 114, 105, 112, 116, 39, 41, 59];
var escapes = "\x63\x6f\x6e\x73\x6f\x6c\x65\x2e\x6c\x6f\x67\x28\x27\x68\x65\x6c\x6c\x6f\x20\x66\x72\x6f\x6d\x20\x77\x69\x74\x68\x69\x6e\x20\x61\x20\x73\x63\x72\x69\x70\x74\x27\x29\x3b";
