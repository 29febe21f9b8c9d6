using System.Globalization;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Grokking;

/// <summary>One row of metrics.csv. Accuracies are shares of 1, losses mean nats, the norm that of all weights together.</summary>
internal sealed record Metrics(int Epoch, double TrainLoss, double TestLoss, double TrainAccuracy, double TestAccuracy, double WeightNorm, double Seconds)
{
    /// <summary>What the display shows.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"train {TrainAccuracy,7:P2}  test {TestAccuracy,7:P2}  loss {TrainLoss:0.0000} / {TestLoss:0.0000}");

    public static Metrics Measure(int epoch, Module<Tensor, Tensor> model, ModularAddition data, double seconds)
    {
        using var _ = no_grad();
        (double trainLoss, double trainAccuracy) = Evaluate(model, data.TrainInput, data.TrainTarget);
        (double testLoss, double testAccuracy) = Evaluate(model, data.TestInput, data.TestTarget);
        return new Metrics(epoch, trainLoss, testLoss, trainAccuracy, testAccuracy, Norm(model), seconds);
    }

    private static (double Loss, double Accuracy) Evaluate(Module<Tensor, Tensor> model, Tensor input, Tensor target)
    {
        using var scope = NewDisposeScope();
        Tensor logits = model.call(input);
        Tensor logProbabilities = functional.two_pass_log_softmax(logits, dim: -1);

        // A count over a whole number: a float mean of an all-correct batch need not be exactly 1.
        long correct = logits.argmax(1).eq(target).sum().item<long>();
        return (functional.nll_loss(logProbabilities, target).item<float>(), (double)correct / target.size(0));
    }

    private static double Norm(Module<Tensor, Tensor> model)
    {
        using var scope = NewDisposeScope();
        return Math.Sqrt(model.parameters().Sum(w => w.square().sum().item<float>()));
    }
}
