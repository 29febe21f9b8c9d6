using TorchSharp;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoeGating;

/// <summary>
/// Two Gaussian experts under a gate: <c>p(y | x) = w1(x) N(y | a1 x + b1, v1) + w2(x) N(y | a2 x + b2, v2)</c>, all in float64. The weights are those of the library's
/// activation gate, softmax((activation(beta x) + beta0) / tau); the second expert's scores are 0.
/// </summary>
/// <remarks>Parameters are one vector: beta, beta0, log tau, a1, a2, b1, b2, log v1, log v2. Logarithms keep positive what must be.</remarks>
internal sealed record Mixture(DenseToSparseActivation Activation)
{
    public const int Beta = 0;
    public const int LogTau = 2;
    public const int Parameters = 9;

    private const int GateParameters = 3;

    public static double[] Truth { get; } = [1.5, 0.2, Math.Log(0.4), -2, 2, 1, -1, Math.Log(0.25), Math.Log(0.25)];

    /// <summary>log p(y | x) of each sample, [n], differentiable by the parameters any number of times.</summary>
    public Tensor LogDensity(Tensor parameters, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        Tensor weights = Weights(parameters, x);
        Tensor logs = ExpertLogDensities(parameters, x, y);
        Tensor most = logs.detach().amax([1], keepdim: true); // the likelier expert is e^0: nothing underflows
        return ((weights * (logs - most).exp()).sum(1).log() + most.squeeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>x from -2 to 2 evenly, then an expert by the gate, then y by the expert.</summary>
    public (Tensor X, Tensor Y) Draw(int n)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor truth = tensor(Truth);
        Tensor x = rand(n, dtype: ScalarType.Float64) * 4 - 2;
        Tensor second = rand(n, dtype: ScalarType.Float64).ge(Weights(truth, x).select(1, 0)).to_type(ScalarType.Int64).unsqueeze(1);
        Tensor mean = Means(truth, x).gather(1, second).squeeze(1);
        Tensor deviation = (truth.narrow(0, 7, 2) / 2).exp().index_select(0, second.squeeze(1));
        Tensor y = mean + (deviation * randn(n, dtype: ScalarType.Float64));
        return (x.MoveToOuterDisposeScope(), y.MoveToOuterDisposeScope());
    }

    private Tensor Weights(Tensor parameters, Tensor x)
    {
        Tensor zero = zeros(1, dtype: ScalarType.Float64);
        Tensor scores = x.unsqueeze(1) * cat([parameters.narrow(0, Beta, 1), zero]);
        Tensor bias = cat([parameters.narrow(0, 1, 1), zero]);
        return functional.activation_dense_to_sparse_gate(scores, Activation, bias, parameters.narrow(0, LogTau, 1).exp()).weights;
    }

    private static Tensor Means(Tensor parameters, Tensor x) => (x.unsqueeze(1) * parameters.narrow(0, GateParameters, 2)) + parameters.narrow(0, 5, 2);

    private static Tensor ExpertLogDensities(Tensor parameters, Tensor x, Tensor y)
    {
        Tensor logVariance = parameters.narrow(0, 7, 2);
        Tensor off = y.unsqueeze(1) - Means(parameters, x);
        return ((off.square() * logVariance.neg().exp()) + logVariance + Math.Log(2 * Math.PI)) / -2;
    }
}
