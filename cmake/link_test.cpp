// Linked with the whole of one module and only what that module may use: building is the test.
int main() { return 0; }
