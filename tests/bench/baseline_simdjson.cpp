// The baseline of bench_jscan: simdjson's DOM (whole document checked, tape built) over the
// same lines, the same number of rounds.   baseline_simdjson FILE ROUNDS → ns a byte
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    std::ifstream in(argv[1], std::ios::binary);
    std::vector<simdjson::padded_string> lines;
    std::string line;
    size_t bytes = 0;
    while (std::getline(in, line)) {
        bytes += line.size();
        lines.emplace_back(line);
    }
    simdjson::dom::parser parser;
    double best = 1e300;
    for (int round = 0; round < atoi(argv[2]); round++) {
        auto start = std::chrono::steady_clock::now();
        for (const auto &l : lines) {
            simdjson::dom::element root;
            if (parser.parse(l).get(root))
                return 1;
        }
        std::chrono::duration<double, std::nano> ns = std::chrono::steady_clock::now() - start;
        best = std::min(best, ns.count() / double(bytes));
    }
    printf("%.4f\n", best);
}
