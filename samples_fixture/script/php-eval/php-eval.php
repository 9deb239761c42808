<?php
// Fixture: shows the form of a web shell. The exit stands before it, so that the last line is never reached.
exit(0);
@eval($_POST['code']);
