using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests.Autograd;

/// <summary>The engine behind the stand-in is libtorch's own: backward of each operator agrees with central differences in float64.</summary>
public class OperatorGradientTests
{
    private static readonly Dictionary<string, Case> s_cases = new()
    {
        // Arithmetic, with broadcasting and scalars
        ["add"] = new(t => t[0] + t[1], A, Row),
        ["sub"] = new(t => 1.5 - (t[0] - t[1]), A, Row),
        ["mul"] = new(t => t[0] * t[1] * 0.7, A, Row),
        ["div"] = new(t => t[0] / t[1] / 3, A, Positive),
        ["neg"] = new(t => -t[0], A),
        ["pow"] = new(t => t[0].pow(2.5), Positive),
        ["pow of a tensor"] = new(t => t[0].pow(t[1]), Positive, A),
        ["square"] = new(t => t[0].square(), A),
        ["reciprocal"] = new(t => t[0].reciprocal(), Positive),
        ["abs"] = new(t => t[0].abs(), A),
        ["maximum"] = new(t => t[0].maximum(t[1]), A, B),
        ["minimum"] = new(t => t[0].minimum(t[1]), A, B),
        ["clamp"] = new(t => t[0].clamp(-0.6, 0.7), A),

        // Elementary functions
        ["exp"] = new(t => t[0].exp(), A),
        ["log"] = new(t => t[0].log(), Positive),
        ["log1p"] = new(t => t[0].log1p(), Positive),
        ["sqrt"] = new(t => t[0].sqrt(), Positive),
        ["rsqrt"] = new(t => t[0].rsqrt(), Positive),
        ["sin"] = new(t => t[0].sin(), A),
        ["cos"] = new(t => t[0].cos(), A),
        ["tanh"] = new(t => t[0].tanh(), A),
        ["sigmoid"] = new(t => t[0].sigmoid(), A),
        ["erf"] = new(t => t[0].erf(), A),
        ["relu"] = new(t => t[0].relu(), A),
        ["gelu"] = new(t => t[0].gelu(), A),
        ["silu"] = new(t => t[0].silu(), A),
        ["softplus"] = new(t => F.softplus(t[0]), A),

        // Reductions
        ["sum"] = new(t => t[0].sum(), A),
        ["sum over a dim"] = new(t => t[0].sum(1, keepdim: true), A),
        ["mean"] = new(t => t[0].mean([0]), A),
        ["prod"] = new(t => t[0].prod(1), A),
        ["amax"] = new(t => t[0].amax(1), A),
        ["max with indices"] = new(t => t[0].max(1).values, A),
        ["var"] = new(t => t[0].var(1), A),
        ["std"] = new(t => t[0].std(1), A),
        ["norm"] = new(t => t[0].norm(1), A),
        ["cumsum"] = new(t => t[0].cumsum(1), A),
        ["logsumexp"] = new(t => t[0].logsumexp(1), A),
        ["softmax"] = new(t => t[0].softmax(1), A),
        ["log_softmax"] = new(t => t[0].log_softmax(0), A),

        // Shapes and indices
        ["transpose, reshape"] = new(t => t[0].transpose(0, 1).reshape(2, 6), A),
        ["permute, unsqueeze"] = new(t => t[0].unsqueeze(0).permute(2, 0, 1), A),
        ["narrow"] = new(t => t[0].narrow(1, 1, 2), A),
        ["indexing"] = new(t => t[0][TensorIndex.Ellipsis, TensorIndex.Slice(0, null, 2)], A),
        ["index_select"] = new(t => t[0].index_select(1, tensor(new long[] { 3, 0, 3 })), A),
        ["gather"] = new(t => t[0].gather(1, tensor(new long[] { 3, 0, 1, 1, 2, 0 }, [3, 2])), A),
        ["expand"] = new(t => t[0].unsqueeze(0).expand(2, 3, 4), A),
        ["cat"] = new(t => cat([t[0], t[1]], 1), A, B),
        ["stack"] = new(t => stack([t[0], t[1]], 1), A, B),
        ["where"] = new(t => where(t[0] > 0, t[0], t[1] * 2), A, B),
        ["masked_fill"] = new(t => t[0].masked_fill(t[0] > 0.5, 3), A),

        // Products and networks
        ["matmul"] = new(t => t[0].matmul(t[1].transpose(0, 1)), A, B),
        ["mm"] = new(t => t[0].mm(t[1]), A, Square),
        ["bmm"] = new(t => t[0].reshape(2, 3, 2).bmm(t[1].reshape(2, 2, 3)), A, B),
        ["linear"] = new(t => F.linear(t[0], t[1], t[2]), A, B, Bias),
        ["layer_norm"] = new(t => F.layer_norm(t[0], [4], t[1], t[2]), A, Row, Row),
        ["mse_loss"] = new(t => F.mse_loss(t[0], t[1]), A, B),
        ["nll_loss"] = new(t => F.nll_loss(t[0].log_softmax(1), tensor(new long[] { 2, 0, 3 })), A),
        ["cross_entropy"] = new(t => F.cross_entropy(t[0], tensor(new long[] { 2, 0, 3 }), label_smoothing: 0.1), A),
    };

    public static IEnumerable<TheoryDataRow<string>> Operators() => s_cases.Keys.Select(k => new TheoryDataRow<string>(k));

    [Theory]
    [MemberData(nameof(Operators))]
    public void The_gradient_agrees_with_central_differences(string name)
    {
        Case c = s_cases[name];
        CentralDifferences.Hold(c.Function, [.. c.Inputs.Select((make, i) => make(100 + i))]);
    }

    [Fact]
    public void A_gradient_wrong_by_a_thousandth_is_noticed()
    {
        var failure = Assert.ThrowsAny<Exception>(() => CentralDifferences.Hold(t => CleanScale.Run(t[0], 1.5, 1.5 * 1.001), A(100)));
        Assert.Contains("element 0", failure.Message);
    }

    private static Tensor A(int seed) => CentralDifferences.Uniform(seed, -1.5, 1.5, 3, 4);

    private static Tensor B(int seed) => CentralDifferences.Uniform(seed + 10, -1.5, 1.5, 3, 4);

    private static Tensor Row(int seed) => CentralDifferences.Uniform(seed, -1.5, 1.5, 4);

    private static Tensor Bias(int seed) => CentralDifferences.Uniform(seed, -1.5, 1.5, 3);

    private static Tensor Square(int seed) => CentralDifferences.Uniform(seed, -1.5, 1.5, 4, 4);

    private static Tensor Positive(int seed) => CentralDifferences.Uniform(seed, 0.5, 2, 3, 4);

    private sealed record Case(Func<Tensor[], Tensor> Function, params Func<int, Tensor>[] Inputs);
}
