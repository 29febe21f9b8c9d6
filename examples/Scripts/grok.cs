#!/usr/bin/env dotnet
#:package TorchSharpSoftmax@0.1.0
#:package TorchSharp-cpu@0.107.0
#:property PublishAot=false

// A network sees half of all additions modulo 59 and, all at once, understands the other half: `dotnet run grok.cs`.
using TorchSharp;
using TorchSharpSoftmax;
using static TorchSharp.torch;

const int p = 59;
manual_seed(0);
var pairs = randperm(p * p, dtype: int64);
var (a, b) = (pairs.div(p, RoundingMode.floor), pairs.remainder(p));
var input = cat([nn.functional.one_hot(a, p), nn.functional.one_hot(b, p)], 1).to(float32);
var target = (a + b).remainder(p);
var (seen, unseen) = (p * p / 2, p * p - p * p / 2);

var model = nn.Sequential(
    nn.Linear(2 * p, 200, hasBias: false), nn.ReLU(), nn.Linear(200, 200, hasBias: false), nn.ReLU(), nn.Linear(200, p, hasBias: false));
var loss = nn.StableMaxCrossEntropyLoss();
var optimizer = optim.PerpGrad(optim.AdamW(model.parameters(), lr: 0.015, weight_decay: 0));

for (int epoch = 0; epoch <= 400; epoch++)
{
    using var scope = NewDisposeScope();
    optimizer.zero_grad();
    var error = loss.call(model.call(input.narrow(0, 0, seen)), target.narrow(0, 0, seen));
    error.backward();
    optimizer.step();
    if (epoch % 20 == 0)
    {
        using var _ = no_grad();
        double right = model.call(input.narrow(0, seen, unseen)).argmax(1).eq(target.narrow(0, seen, unseen)).to(float32).mean().item<float>();
        Console.WriteLine($"epoch {epoch,3}  loss {error.item<float>():0.000000}  right on unseen pairs {100 * right:0.0} %");
        if (right >= 0.99)
        {
            break;
        }
    }
}
